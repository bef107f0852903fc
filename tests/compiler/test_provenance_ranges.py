"""Sets of ranges."""

import numpy as np

from harnessfix_ir.compiler.provenance.ranges import Ranges


def test_many_positions_are_asked_for_at_once() -> None:
    ranges = Ranges()
    assert not ranges.taken(np.array([0, 5], np.int32)).any()
    ranges.add([(3, 5), (8, 9)])
    assert ranges.taken(np.arange(10, dtype=np.int32)).nonzero()[0].tolist() == [3, 4, 8]

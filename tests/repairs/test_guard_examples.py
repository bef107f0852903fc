"""Every guard's own examples: nothing that must pass is stopped, nothing that must be stopped passes."""

import pytest

from harnessfix.bench import guards
from harnessfix_repairs.operators import all_operators

GUARDED = [operator.name for operator in all_operators().values() if operator.guards]


def test_guards_block_neither_too_much_nor_too_little(capfd: pytest.CaptureFixture[str]) -> None:
    found = guards.measure()
    assert capfd.readouterr() == ("", "")
    assert [(one.name, one.error, one.over, one.under) for one in found if one.error or one.over or one.under] == []
    assert {one.name for one in found} == set(GUARDED)
    assert guards.metrics(found)["over_blocking"] == guards.metrics(found)["under_blocking"] == 0.0


@pytest.mark.parametrize("name", GUARDED)
def test_a_guard_has_examples_of_both_mistakes(name: str) -> None:
    for guard in all_operators()[name].guards:
        assert guard.passes
        assert guard.stops

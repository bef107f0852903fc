"""Sets of ranges: which positions are taken."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Range = tuple[int, int]


class Ranges:
    """A set of positions, held as sorted disjoint ranges [start, end)."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, ranges: Iterable[Range]) -> None:
        """Take the positions of some ranges."""
        for start, end in ranges:
            if start >= end:
                continue
            low = bisect_left(self._ends, start)
            high = bisect_right(self._starts, end)
            if low < high:
                start, end = min(start, self._starts[low]), max(end, self._ends[high - 1])
            self._starts[low:high] = [start]
            self._ends[low:high] = [end]

    def share(self, ranges: Sequence[Range]) -> float:
        """Share of the positions of some disjoint ranges that are taken."""
        total = sum(end - start for start, end in ranges)
        return sum(self._taken(start, end) for start, end in ranges) / total if total else 0.0

    def taken(self, positions: "NDArray[np.int32]") -> "NDArray[np.bool_]":
        """For each of many positions, whether it is taken."""
        import numpy as np

        before = np.searchsorted(np.asarray(self._starts, np.int64), positions, side="right") - 1
        return positions < np.asarray([*self._ends, -1], np.int64)[before]  # the last is for those before all ranges

    def __len__(self) -> int:
        return sum(end - start for start, end in zip(self._starts, self._ends))

    def _taken(self, start: int, end: int) -> int:
        taken = 0
        for at in range(bisect_right(self._ends, start), len(self._starts)):
            if self._starts[at] >= end:
                break
            taken += min(end, self._ends[at]) - max(start, self._starts[at])
        return taken

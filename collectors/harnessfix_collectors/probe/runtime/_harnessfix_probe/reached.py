"""Which lines of the plan's files ran in this process: the arrays that marks are set in (see `marks.py`)."""

from __future__ import annotations

import builtins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Marks = list[tuple[int, int]]


def array_name(place: str) -> str:
    """Name of a file's array, by the file's path in the plan."""
    return f"@c:{place}"


class Reached:
    """The arrays of this process."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[bytearray, Marks]] = {}

    def open(self, place: str, marks: Marks) -> None:
        """Give a file its array, before its code runs."""
        array = bytearray(max((line for line, _ in marks), default=0) + 1)
        self._files[place] = array, marks
        setattr(builtins, array_name(place), array)

    def take(self) -> list[dict[str, Any]]:
        """A line for each file of which something ran since this was asked last.

        Of a function that was not entered only the first mark is told.
        """
        told: list[dict[str, Any]] = []
        for place, (array, marks) in list(self._files.items()):
            hit = [line for line, _ in marks if array[line]]
            if hit:
                missed = [line for line, first in marks if not array[line] and (array[first] or line == first)]
                told.append({"t": "reached", "path": place, "hit": hit, "missed": missed})
                array[:] = bytes(len(array))
        return told

"""Which lines of the plan's files ran in this process: the arrays that marks are set in (see `marks.py`).

The arrays lie in files that are mapped into memory: what was set survives a kill. A line for each file of the plan says
where its array lies; whoever puts the document together reads what is left there.
"""

from __future__ import annotations

import builtins
import os
from itertools import count

from .system import System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union

    Marks = list[tuple[int, int]]
    Array = Union[memoryview, bytearray]

CHUNK = 1 << 18
RAN, IMPORTED = 1, 2  # what a mark holds; `marks.py` sets the first
_RAN = bytes([RAN])
_LATER = count(1)


def array_name(place: str) -> str:
    """Name of a file's array, by the file's path in the plan."""
    return f"@c:{place}"


class Reached:
    """The arrays of this process.

    Args:
        folder: where the files are made that they lie in.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._files: dict[str, tuple[Array, Marks]] = {}
        self._chunk: Array = bytearray()
        self._used = 0
        self._name = ""

    def open(self, place: str, marks: Marks) -> dict[str, Any]:
        """Give a file its array, before its code runs; the line that says where it lies."""
        if self._used + len(marks) > len(self._chunk):
            self._grow(max(CHUNK, len(marks)))
        start, self._used = self._used, self._used + len(marks)
        array = memoryview(self._chunk)[start : self._used]
        self._files[place] = array, marks
        setattr(builtins, array_name(place), array)
        return {"t": "marks", "path": place, "file": self._name, "at": start, "marks": marks}

    def marked(self) -> dict[str, bytes]:
        """The marks of each file as they are now."""
        return {place: bytes(array) for place, (array, _) in list(self._files.items())}

    def set_apart(self, before: dict[str, bytes]) -> None:
        """What was set since `before`, and not before, is of an import."""
        for place, now in self.marked().items():
            was = before.get(place, b"")
            if now == was:
                continue
            array = self._files[place][0]
            for number in (number for number, mark in enumerate(now) if mark == RAN):
                if was[number : number + 1] != _RAN:
                    array[number] = IMPORTED

    def take(self) -> list[dict[str, Any]]:
        """A line for each file of which something ran since this was asked last, with what was set."""
        told = []
        for place, (array, marks) in list(self._files.items()):
            ran = bytes(array)
            if any(ran):
                told.append({"t": "marks", "path": place, "ran": ran.hex()[1::2], "marks": marks})
                array[:] = bytes(len(array))
        return told

    def _grow(self, size: int) -> None:
        """A further chunk: in a file, all of it written so that no store can meet a full disk; else in memory alone."""
        self._used, self._name = 0, ""
        name = f"{System.pid()}-{next(_LATER)}.reached"
        try:
            import mmap

            fd = System.open(os.path.join(self._folder, name), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
            try:
                System.write(fd, bytes(size))
                self._chunk, self._name = memoryview(mmap.mmap(fd, size)), name
            finally:
                System.close(fd)
        except (ImportError, OSError, ValueError):
            self._chunk = bytearray(size)

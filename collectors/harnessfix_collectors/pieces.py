"""A large file cut into pieces, each a file of the same format that holds whole runs.

A store keeps the bytes of a run as they were, and a reader takes a run as a whole: so memory follows the largest run,
not the file. The file is gone through once; what belongs to one run is brought together in a temporary file.
"""

import json
import tempfile
from array import array
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

from .files import TraceFile, Trouble, parse
from .opening import HUGE_NUMBER
from .readers.base import Reader

LARGE = 64 << 20
"""Bytes from which on a file is cut."""


def pieces(file: TraceFile, reader: Reader, trouble: Trouble, large: int = LARGE) -> Iterator[TraceFile]:
    """`file` itself, or its pieces when it is large and may hold many runs.

    Args:
        file: of any size.
        reader: of its format.
        trouble: told of lines that could not be read; a file that is not cut tells that itself when it is read.
        large: bytes, as they lie there; a compressed file counts tenfold.
    """
    if not reader.many or file.size * (10 if file.compressed else 1) < large:
        yield file
        return
    with tempfile.TemporaryFile(prefix="harnessfix-") as spool:
        places = _spread(file, reader, trouble, spool)
        for place in places.values():
            yield TraceFile.of(_gathered(spool, place), file.name)


def _spread(file: TraceFile, reader: Reader, trouble: Trouble, spool: BinaryIO) -> dict[str, "array[int]"]:
    """Write every part to `spool`; returns for each run where its parts begin and how long they are."""
    places: dict[str, array[int]] = {}
    at = 0
    for place, line in _values(file, trouble):
        try:
            value = parse(line, place, trouble)
        except ValueError as error:
            trouble(f"{place}: not JSON ({error}); the line was skipped")
            continue
        for key, part in reader.split(value):
            data = line if part is value else json.dumps(part).encode()
            places.setdefault(key, array("Q")).extend((at, len(data)))
            at += spool.write(data)
    return places


def _values(file: TraceFile, trouble: Trouble) -> Iterator[tuple[str, bytes]]:
    """Lines, or the items of the one list that the file is, without ever holding all of it."""
    with file.open() as stream:
        is_list = stream.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["
    if not is_list:
        for number, line in file.lines(trouble):
            yield f"{file.name}, line {number}", line
        return
    import ijson  # type: ignore[import-untyped]

    careful = ijson.get_backend("python")
    number = 0
    try:
        try:
            with file.open() as stream:
                for item in ijson.items(_Watched(stream), "item", use_float=True):
                    number += 1
                    yield from _item(file, number, item, trouble)
        except _HugeNumberError:
            with file.open() as stream:
                for item in islice(careful.items(stream, "item", use_float=True), number, None):
                    number += 1
                    yield from _item(file, number, item, trouble)
    except ijson.JSONError as error:
        reason = " ".join(str(error).split())[:120]
        trouble(f"{file.name}: the list breaks off after item {number} ({reason})")


def _item(file: TraceFile, number: int, item: Any, trouble: Trouble) -> Iterator[tuple[str, bytes]]:
    place = f"{file.name}, item {number}"
    try:
        yield place, json.dumps(item).encode()
    except RecursionError:
        trouble(f"{place}: nested too deeply; the item was skipped")


class _HugeNumberError(Exception):
    """So many digits in a row that ijson's C backend may crash."""


class _Watched:
    """A stream that stops before a number that ijson's C backend crashes on; its slow one refuses or reads it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._end = stream, b""

    def read(self, size: int = -1) -> bytes:
        """The next bytes. Raises `_HugeNumberError`."""
        data = self._stream.read(size)
        if HUGE_NUMBER.search(self._end + data):
            raise _HugeNumberError
        self._end = (self._end + data)[-1000:]
        return data


def _gathered(spool: BinaryIO, places: "array[int]") -> bytes:
    lines = []
    for begin, length in zip(places[::2], places[1::2]):
        spool.seek(begin)
        lines.append(spool.read(length))
    return b"\n".join(lines) + b"\n"

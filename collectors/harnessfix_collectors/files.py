"""A trace file as a reader sees it: bytes in memory or a file of any size, gzip or not, lines or one document."""

import gzip
import io
import json
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from harnessfix_ir.errors import BadInputError

MOST_TROUBLE = 20
LONGEST_LINE = 256 << 20
"""Bytes of one line; a longer one is skipped and counted."""
LARGEST = 1 << 30
"""Bytes of a document that has to be read as a whole."""
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_CHUNK = 1 << 20


@dataclass
class Trouble:
    """What could not be read, in words with the place; the first few are kept and the others counted."""

    filename: str
    told: list[str] = field(default_factory=list)
    count: int = 0

    def __call__(self, what: str) -> None:
        """Take a note."""
        self.count += 1
        if self.count <= MOST_TROUBLE:
            self.told.append(what)

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes, the last of which counts those that were too many."""
        more = self.count - len(self.told)
        return (*self.told, f"{self.filename}: {more} more places could not be read") if more else tuple(self.told)


class TraceFile:
    """A file that holds traces.

    Args:
        name: for messages and `Source.file`; never opened.
        opener: a new binary stream from the beginning, as often as it is asked for.
        size: bytes as they lie there (compressed, if they are).
    """

    def __init__(self, name: str, opener: Callable[[], BinaryIO], size: int) -> None:
        self.name, self._opener, self.size = name, opener, size
        with opener() as stream:
            self.compressed = stream.read(2) == _GZIP

    @classmethod
    def of(cls, data: bytes, name: str) -> "TraceFile":
        """Bytes that are in memory already."""
        return cls(name, lambda: io.BytesIO(data), len(data))

    @classmethod
    def at(cls, path: Path) -> "TraceFile":
        """A file on disk. Raises `BadInputError` naming it when it cannot be read or is empty."""
        try:
            about = path.stat()
            size = about.st_size
            if not (stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode)):  # opening a pipe waits for its writer
                raise BadInputError(f"{path}: not a regular file", hint="Save what it gives to a file first.")
            file = cls(path.name, lambda: cast(BinaryIO, path.open("rb")), size)
        except OSError as error:
            raise BadInputError(f"{path}: {error.strerror}", hint="Name a readable trace file.") from None
        if size == 0:
            raise BadInputError(f"{path}: the file is empty", hint="Was the program still writing it?")
        return file

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The plain bytes as a stream. What a damaged gzip file raises becomes a `BadInputError`."""
        with self._opener() as raw:
            try:
                yield cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if self.compressed else raw
            except (EOFError, gzip.BadGzipFile) as error:
                raise BadInputError(
                    f"{self.name}: the compressed file is cut or damaged ({error})", hint="Unpack or copy it again."
                ) from None

    def head(self, size: int) -> bytes:
        """The first `size` plain bytes, fewer where a compressed file is cut before."""
        try:
            with self.open() as stream:
                return stream.read(size)
        except BadInputError:
            return b""

    def data(self, largest: int = LARGEST) -> bytes:
        """All plain bytes. Raises `BadInputError` when there are more than `largest`."""
        with self.open() as stream:
            data = stream.read(largest + 1)
        if len(data) > largest:
            raise BadInputError(
                f"{self.name}: more than {largest >> 20} MiB in one document",
                hint="Split it, or export it as JSON lines: those are streamed.",
            )
        return data

    def lines(self, trouble: Trouble) -> Iterator[tuple[int, bytes]]:
        """Lines that are not blank, with their number from 1; over-long ones are skipped and counted.

        A compressed file that breaks off ends there, which is counted too.
        """
        number = 0
        try:
            with self.open() as stream:
                while line := stream.readline(LONGEST_LINE):
                    number += 1
                    if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                        while (rest := stream.readline(_CHUNK)) and not rest.endswith(b"\n"):
                            pass
                        trouble(f"{self.name}, line {number}: longer than {LONGEST_LINE >> 20} MiB; it was skipped")
                        continue
                    line = (line.removeprefix(_BOM) if number == 1 else line).strip()
                    if line:
                        yield number, line
        except BadInputError as error:
            if number == 0:
                raise
            trouble(f"{error}; it was read as far as line {number}")


def parse(data: bytes, place: str, trouble: Callable[[str], None]) -> Any:
    """`data` as JSON; bytes that are no text are replaced and told.

    Raises:
        ValueError: it is not JSON, or nested too deeply; the message says where.
    """
    try:
        text = data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        text = data.decode("utf-8", "replace")
        trouble(f"{place}: byte {error.start} is no UTF-8 text; such bytes were replaced")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def document(file: TraceFile, trouble: Trouble) -> Any:
    """The one JSON value of a file. Raises `BadInputError` with the place when it is none or is cut."""
    try:
        return parse(file.data(), file.name, trouble)
    except ValueError as error:
        raise BadInputError(
            f"{file.name}: not a whole JSON document: {error}",
            hint="Was the program still writing it, or the file cut?",
        ) from None


def records(file: TraceFile, trouble: Trouble) -> Iterator[tuple[str, Any]]:
    """The JSON values of a file of lines, or the items of one list, or its only value; each with its place.

    A line that is not JSON is skipped and told.

    Raises:
        BadInputError: there is nothing but broken JSON.
    """
    if not _is_lines(file):
        try:
            whole = document(file, Trouble(file.name))
        except BadInputError as error:
            yield from _after_a_bad_start(file, trouble, error)
            return
        for number, item in enumerate(whole if isinstance(whole, list) else [whole], 1):
            yield f"{file.name}, item {number}", item
        return
    yield from _lines(file, trouble)


def _lines(file: TraceFile, trouble: Trouble) -> Iterator[tuple[str, Any]]:
    for number, line in file.lines(trouble):
        place = f"{file.name}, line {number}"
        try:
            yield place, parse(line, place, trouble)
        except ValueError as error:
            trouble(f"{place}: not JSON ({error}); the line was skipped")


def _after_a_bad_start(file: TraceFile, trouble: Trouble, error: BadInputError) -> Iterator[tuple[str, Any]]:
    """Lines after a first one that is broken, if any of them is a JSON object; else the document itself is broken."""
    found = False
    for place, value in _lines(file, trouble):
        if isinstance(value, dict):
            found = True
            yield place, value
    if not found:
        raise error


def _is_lines(file: TraceFile) -> bool:
    """Whether the first line is a JSON value of its own and not the whole file."""
    lines = file.lines(Trouble(file.name))
    try:
        _, first = next(lines)
        json.loads(first)
        next(lines)
    except (StopIteration, ValueError, RecursionError):
        return False
    return True

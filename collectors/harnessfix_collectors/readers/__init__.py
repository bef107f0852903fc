"""Readers: one file per format, found without registration."""

from collections.abc import Iterator
from functools import cache

from harnessfix_collectors.files import TraceFile
from harnessfix_collectors.opening import Opening
from harnessfix_ir.errors import BadInputError, UnknownFormatError
from harnessfix_ir.recording import Recording

from .base import Reader

__all__ = ["Reader", "all_readers", "read_bytes", "reader_for", "reader_of"]


@cache
def all_readers() -> tuple[Reader, ...]:
    """Every reader, ours and those of installed packages (group `harnessfix.readers`), first to ask first."""
    import harnessfix_collectors.readers as package
    from harnessfix_ir.plugins import discover

    found = (reader() for reader in discover(package, Reader, "harnessfix.readers"))
    return tuple(sorted(found, key=lambda reader: (-reader.priority, reader.name)))


def reader_of(file: TraceFile, format_name: str | None = None) -> Reader:
    """The reader for a file: the one called `format_name`, else the first that recognises it.

    Raises:
        BadInputError: no reader has that name.
        UnknownFormatError: none recognises the file; the hint lists the formats.
    """
    opening = Opening.of(file) if format_name is None else None
    for reader in all_readers():
        if reader.name == format_name or (opening is not None and reader.recognises(opening)):
            return reader
    known = ", ".join(sorted(reader.name for reader in all_readers()))
    if format_name is not None:
        raise BadInputError(f"no reader is called {format_name!r}", hint=f"Formats: {known}.")
    assert opening is not None
    raise UnknownFormatError(
        f"{file.name}: {_looks_like(opening)}", hint=f"Formats: {known}. Name one with --from if it is one of them."
    )


def reader_for(data: bytes, filename: str, format_name: str | None = None) -> Reader:
    """As `reader_of`, for bytes in memory."""
    return reader_of(TraceFile.of(data, filename), format_name)


def read_bytes(data: bytes, filename: str, format_name: str | None = None) -> Iterator[Recording]:
    """The runs in `data`. Raises `BadInputError` as `reader_of` and `Reader.read` do."""
    file = TraceFile.of(data, filename)
    return reader_of(file, format_name).read(file)


def _looks_like(opening: Opening) -> str:
    """What can be said of a file that nobody knows."""
    if not opening.head.strip():
        return "there is nothing in it"
    if opening.shape in ("object", "array") and opening.keys:
        keys = sorted((key for key in opening.keys if "." not in key), key=len)[:6]
        shown = ", ".join(key[:40] if key.isprintable() else repr(key[:40]) for key in keys)
        return f"JSON, but not a trace format that harnessfix knows (keys: {shown})"
    if opening.shape == "zip":
        return "a ZIP archive, but not an Inspect log"
    return "not a trace format that harnessfix knows"

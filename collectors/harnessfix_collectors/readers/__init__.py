"""Readers: one file per format, found without registration."""

from collections.abc import Iterator
from functools import cache

from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording

from .base import Reader

__all__ = ["Reader", "all_readers", "read_bytes", "reader_for"]

HEAD_BYTES = 64 * 1024


@cache
def all_readers() -> tuple[Reader, ...]:
    """Every reader, ours and those of installed packages (group `harnessfix.readers`), first to ask first."""
    import harnessfix_collectors.readers as package
    from harnessfix_ir.plugins import discover

    found = (reader() for reader in discover(package, Reader, "harnessfix.readers"))
    return tuple(sorted(found, key=lambda reader: (-reader.priority, reader.name)))


def reader_for(data: bytes, filename: str, format_name: str | None = None) -> Reader:
    """The reader for these bytes: the one called `format_name`, else the first that recognises them.

    Raises:
        BadInputError: no reader has that name, or none recognises the file.
    """
    head = data[:HEAD_BYTES]
    for reader in all_readers():
        if reader.name == format_name or (format_name is None and reader.recognises(head, filename)):
            return reader
    known = ", ".join(reader.name for reader in all_readers())
    if format_name is not None:
        raise BadInputError(f"no reader is called {format_name!r}", hint=f"Formats: {known}.")
    raise BadInputError(
        f"{filename}: not a trace format that harnessfix knows", hint=f"Formats: {known}. Name one with --format."
    )


def read_bytes(data: bytes, filename: str, format_name: str | None = None) -> Iterator[Recording]:
    """The runs in `data`. Raises `BadInputError` as `reader_for` and `Reader.read` do."""
    return reader_for(data, filename, format_name).read(data, filename)

"""ZIP archives from strangers: every entry is bounded before a byte of it is unpacked."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence

from harnessfix_ir.errors import BadInputError

LARGEST_ENTRY = 1 << 30
LARGEST_SUM = 4 << 30
MOST_ENTRIES = 200_000
HIGHEST_RATIO = 2000
"""Unpacked bytes per packed one; deflate itself cannot exceed 1032."""
ZSTANDARD = 93


def entries(
    data: bytes, filename: str = "the archive", *, only: Sequence[str] = (), prefix: str = ""
) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files in an archive, in its order.

    Args:
        data: the archive.
        filename: for messages.
        only, prefix: names, and the beginning of names, that are wanted; all when neither is given.

    Raises:
        BadInputError: it is damaged, encrypted, or too large when unpacked; the message names the entry.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = [member for member in archive.infolist() if not member.is_dir()]
    except (zipfile.BadZipFile, ValueError, struct.error) as error:
        raise BadInputError(f"{filename}: the ZIP archive is cut or damaged ({error})", hint="Copy it again.") from None
    _check_sizes(members, filename)
    for member in members:
        if (only and member.filename not in only) or not member.filename.startswith(prefix):
            continue
        try:
            yield member.filename, _content(archive, data, member)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
            raise BadInputError(
                f"{filename}: entry {member.filename[:100]!r} cannot be unpacked ({error})", hint="Copy it again."
            ) from None


def _check_sizes(members: list[zipfile.ZipInfo], filename: str) -> None:
    hint = "It may be made to exhaust memory; nothing of it was unpacked."
    if len(members) > MOST_ENTRIES or sum(member.file_size for member in members) > LARGEST_SUM:
        raise BadInputError(f"{filename}: {len(members)} entries, too many or too large when unpacked", hint=hint)
    for member in members:
        ratio = member.file_size / max(1, member.compress_size)
        if member.file_size > LARGEST_ENTRY or (ratio > HIGHEST_RATIO and member.file_size > 1 << 20):
            raise BadInputError(
                f"{filename}: entry {member.filename[:100]!r} says it has {member.file_size} bytes when unpacked",
                hint=hint,
            )


def _content(archive: zipfile.ZipFile, data: bytes, member: zipfile.ZipInfo) -> bytes:
    """The bytes of one entry, never more than its header promised."""
    if member.compress_type == ZSTANDARD:
        return _zstandard(data, member)
    with archive.open(member) as stream:
        content = stream.read(member.file_size + 1)
    if len(content) > member.file_size:
        raise ValueError("longer than its header says")
    return content


def _zstandard(data: bytes, member: zipfile.ZipInfo) -> bytes:
    """Method 93, which `zipfile` reads only from Python 3.14 on."""
    import zstandard

    name_length, extra_length = struct.unpack_from("<HH", data, member.header_offset + 26)
    begin = member.header_offset + 30 + name_length + extra_length
    packed = data[begin : begin + member.compress_size]
    try:
        reader = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
        content: bytes = reader.read(member.file_size + 1)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from None
    if len(content) != member.file_size or zlib.crc32(content) != member.CRC:
        raise ValueError("not what its header says")
    return content

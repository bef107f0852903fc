"""Blocks: original bytes as one zstd frame under the SHA-256 of the bytes."""

import hashlib
from dataclasses import dataclass

import zstandard
from sqlalchemy import ColumnElement, Connection, delete, func, select

from harnessfix_ir.errors import StoreError

from .database import insert_new
from .models import Base, Blob, EarlierBlob, Run

LEVEL = 3
LONG_FROM = 2 << 20  # as far as that level looks back by itself
LARGEST = 1_000_000_000  # what both engines take in one value
DAMAGED = "Import the run again, or restore a backup."


@dataclass(frozen=True)
class Block:
    """Bytes ready to be stored: made outside of any transaction, since compressing takes its time."""

    digest: bytes
    size: int
    frame: bytes

    @classmethod
    def of(cls, data: bytes) -> "Block":
        """Digest and compress `data`. Raises `StoreError` when no database value could hold the result."""
        frame = compress(data)
        if len(frame) > LARGEST:
            raise StoreError(
                f"{len(data)} bytes are too many for one block, even compressed",
                hint="Split the file before importing it.",
            )
        return cls(hashlib.sha256(data).digest(), len(data), frame)


def compress(data: bytes) -> bytes:
    """One zstd frame. Large blocks get a window that sees a whole conversation resent at every step."""
    if len(data) < LONG_FROM:
        return zstandard.ZstdCompressor(level=LEVEL).compress(data)
    parameters = zstandard.ZstdCompressionParameters.from_level(LEVEL, enable_ldm=True, window_log=25)
    return zstandard.ZstdCompressor(compression_params=parameters).compress(data)


def decompress(frame: bytes, size: int) -> bytes:
    """The `size` bytes of a frame. Raises `StoreError` when it holds anything else."""
    try:
        if zstandard.frame_content_size(frame) != size:
            raise StoreError("a block in the store is not as long as it should be", hint=DAMAGED)
        return zstandard.ZstdDecompressor().decompress(frame)
    except zstandard.ZstdError as error:
        raise StoreError("a block in the store is damaged", hint=DAMAGED) from error


def put(connection: Connection, block: Block) -> None:
    """Store a block unless it is there."""
    row: dict[str, object] = {"digest": block.digest, "size": block.size, "data": block.frame}
    insert_new(connection, Base.metadata.tables["blob"], row, ["digest"])


def get(connection: Connection, digest: bytes) -> bytes:
    """The original bytes under `digest`. Raises `StoreError` when they are missing or damaged."""
    row = connection.execute(select(Blob.size, Blob.data).where(Blob.digest == digest)).first()
    if row is None:
        raise StoreError("a block is missing from the store", hint=DAMAGED)
    data = decompress(row.data, row.size)
    if hashlib.sha256(data).digest() != digest:
        raise StoreError("a block in the store is damaged", hint=DAMAGED)
    return data


def drop_if_unused(connection: Connection, digest: bytes) -> None:
    """Delete one block if no run refers to it."""
    connection.execute(delete(Blob).where(Blob.digest == digest, _unused()))


def following(connection: Connection, digest: bytes) -> tuple[bytes, bytes] | None:
    """Digest and frame of the block that comes after `digest`, None behind the last one."""
    query = select(Blob.digest, Blob.data).where(Blob.digest > digest).order_by(Blob.digest).limit(1)
    row = connection.execute(query).first()
    return None if row is None else (row.digest, row.data)


def drop_unused(connection: Connection) -> int:
    """Delete the blocks that no run refers to; returns how many bytes they took."""
    size = select(func.coalesce(func.sum(func.length(Blob.data)), 0))
    freed = connection.execute(size.where(_unused())).scalar_one()
    connection.execute(delete(Blob).where(_unused()))
    return int(freed)


def _unused() -> ColumnElement[bool]:
    return ~(
        select(Run.key).where(Run.blob == Blob.digest).exists()
        | select(EarlierBlob.key).where(EarlierBlob.blob == Blob.digest).exists()
    )

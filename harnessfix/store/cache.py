"""What can be computed again, under the digest of what it was computed from. The oldest entries give way."""

import time
from collections.abc import Iterator, Sequence

import zstandard
from sqlalchemy import Connection, delete, func, select

from .database import upsert
from .documents import CacheUse
from .models import CacheRow, ExaminationRow

BUDGET = 512 * 1024 * 1024
"""Bytes that the cache may take in the store."""
LOOK_EVERY = 32


def get(connection: Connection, kind: str, key: str) -> bytes | None:
    """The value, None when there is none (or it cannot be read any more: it can be computed again)."""
    stored = connection.execute(select(CacheRow.value).where(CacheRow.kind == kind, CacheRow.key == key)).scalar()
    if stored is None:
        return None
    try:
        return zstandard.ZstdDecompressor().decompress(stored)
    except zstandard.ZstdError:
        return None


def get_all(connection: Connection, kind: str, keys: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Those of these (at most a few hundred) that are there, each with its key."""
    query = select(CacheRow.key, CacheRow.value).where(CacheRow.kind == kind, CacheRow.key.in_(keys))
    for row in connection.execute(query):
        try:
            yield row.key, zstandard.ZstdDecompressor().decompress(row.value)
        except zstandard.ZstdError:
            continue


def put(connection: Connection, kind: str, key: str, frame: bytes) -> None:
    """Store a compressed value under `kind` and `key`."""
    row: dict[str, object] = {
        "kind": kind,
        "key": key,
        "created_ns": time.time_ns(),
        "size": len(frame),
        "value": frame,
    }
    upsert(connection, CacheRow.metadata.tables["cache"], row, ["kind", "key"])


def trim(connection: Connection, budget: int = BUDGET) -> None:
    """If the entries take more than `budget` bytes, delete the oldest until they take four fifths of it."""
    total = connection.execute(select(func.coalesce(func.sum(CacheRow.size), 0))).scalar_one()
    if total <= budget:
        return
    oldest = connection.execute(select(CacheRow.kind, CacheRow.key, CacheRow.size).order_by(CacheRow.created_ns)).all()
    for row in oldest:
        if total <= budget * 4 // 5:
            return
        connection.execute(delete(CacheRow).where(CacheRow.kind == row.kind, CacheRow.key == row.key))
        total -= row.size


def forget_others(connection: Connection) -> None:
    """Delete all entries but the compiled runs of which the last check of a run that is there was made."""
    living = (CacheRow.kind == "htir") & CacheRow.key.in_(select(ExaminationRow.made_from))
    connection.execute(delete(CacheRow).where(~living))


def clear(connection: Connection) -> None:
    """Delete every entry."""
    connection.execute(delete(CacheRow))


def use(connection: Connection) -> tuple[CacheUse, ...]:
    """Entries and bytes by kind."""
    query = select(CacheRow.kind, func.count(), func.sum(CacheRow.size)).group_by(CacheRow.kind).order_by(CacheRow.kind)
    return tuple(CacheUse(kind=kind, entries=count, bytes=size) for kind, count, size in connection.execute(query))

"""The parts of a job that several machines share: what is done, and with which result.

Results are written by upsert under the digest of what they were made from, so a part that runs twice (an engine tries
again after a machine is lost) leaves one result.
"""

import time
from collections.abc import Iterator, Sequence

import zstandard
from sqlalchemy import Connection, delete, func, select

from .database import insert_new, upsert
from .models import WorkRow

TABLE = WorkRow.metadata.tables["work"]
CHUNK = 500


def plan(connection: Connection, job: str, parts: Sequence[str]) -> set[str]:
    """Note the parts that are to do, and return those that are done already."""
    done: set[str] = set()
    for start in range(0, len(parts), CHUNK):
        chunk = parts[start : start + CHUNK]
        found = select(WorkRow.part).where(WorkRow.part.in_(chunk), WorkRow.state == "done")
        done.update(connection.execute(found).scalars())
    for part in parts:
        if part not in done:
            row: dict[str, object] = {"part": part, "job": job, "state": "todo", "changed_ns": time.time_ns()}
            insert_new(connection, TABLE, row, ["part"])
    return done


def finish(connection: Connection, job: str, part: str, result: bytes) -> None:
    """A part is done; `result` is a zstd frame."""
    row: dict[str, object] = {
        "part": part,
        "job": job,
        "state": "done",
        "result": result,
        "changed_ns": time.time_ns(),
    }
    upsert(connection, TABLE, row, ["part"])


def results(connection: Connection, parts: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The results of those of these parts (at most `CHUNK`) that are done."""
    query = select(WorkRow.part, WorkRow.result).where(WorkRow.part.in_(parts), WorkRow.state == "done")
    for row in connection.execute(query):
        yield row.part, zstandard.ZstdDecompressor().decompress(row.result)


def forget(connection: Connection, job: str) -> None:
    """Delete the parts of a job that has come to its end."""
    connection.execute(delete(WorkRow).where(WorkRow.job == job))


def left(connection: Connection) -> int:
    """How many parts of all jobs are still to do."""
    query = select(func.count()).select_from(WorkRow).where(WorkRow.state == "todo")
    return int(connection.execute(query).scalar_one())

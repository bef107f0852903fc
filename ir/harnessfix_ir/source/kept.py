"""How a harness was linked last, kept in a database, so that an edit costs what it touches and not the whole tree.

The database holds the identity of every file, and for every pass what each file told and what it asked for. One that
cannot be read, is locked, or says what nobody wrote is as good as none: the harness is linked anew.
"""

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from zlib import crc32

from pydantic_core import from_json, to_json

from .link.exchange import Told
from .link.model import Linked

_TABLES = """
CREATE TABLE IF NOT EXISTS state (model TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, identity TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS told (
    step TEXT NOT NULL, path TEXT NOT NULL, told BLOB NOT NULL, asked BLOB NOT NULL, PRIMARY KEY (step, path)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shared (
    name TEXT NOT NULL, path TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (name, path)
) WITHOUT ROWID;
"""
_SECONDS = 1.0
_SUM = 4  # bytes before each value


class LostLinksError(Exception):
    """What was kept cannot be used."""


class KeptLinks:
    """The last linking of one harness; what is read belongs to one moment.

    Args:
        database: open, in a transaction of its own.

    Raises:
        LostLinksError: here and from all that reads, when nothing of use is there.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._told: dict[tuple[str, str], Told] = {}
        with _lost():
            database.execute("BEGIN")
            self.model: str = database.execute("SELECT model FROM state").fetchone()[0]
            self.identities: dict[str, str] = dict(database.execute("SELECT path, identity FROM files"))

    def told(self, step: str, path: str) -> Told:
        """What a file told in a pass."""
        if (step, path) not in self._told:
            with _lost():
                query = "SELECT told, asked FROM told WHERE step = ? AND path = ?"
                row = self._database.execute(query, (step, path)).fetchone()
                self._told[step, path] = Told() if row is None else _told(*row)
        return self._told[step, path]

    def shared(self, table: str, key: str) -> Iterator[tuple[str, Any]]:
        """Path and value of every file that shared something under a key, in any order."""
        with _lost():
            rows = self._database.execute("SELECT path, value FROM shared WHERE name = ?", (_name(table, key),))
            yield from [(path, from_json(_opened(value), cache_strings="keys")) for path, value in rows]

    def asking(self, step: str, changed: set[int]) -> Iterator[str]:
        """Files that asked in a pass for something with one of these numbers."""
        if changed:
            with _lost():
                query = "SELECT path, asked FROM told WHERE step = ? AND length(asked) > ?"
                rows = self._database.execute(query, (step, _SUM))
                yield from [path for path, asked in rows if not changed.isdisjoint(_numbers(asked))]


@contextmanager
def open_links(file: Path) -> Iterator[sqlite3.Connection]:
    """A database of kept links, in memory when the file cannot be opened."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        database = _connect(file)
    except (OSError, sqlite3.Error):
        database = sqlite3.connect(":memory:", isolation_level=None)
    try:
        yield database
    finally:
        database.close()


def _connect(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=_SECONDS, isolation_level=None)
    try:
        # The end of this process cannot damage the file, loss of power may: a sum guards every value.
        database.execute("PRAGMA synchronous = OFF")
    except sqlite3.Error:
        database.close()
        raise
    return database


def keep_links(
    database: sqlite3.Connection, model: str, identities: Mapping[str, str], linked: Linked, before: KeptLinks | None
) -> None:
    """Keep a linking: what changed since `before`, or all of it. One that cannot be kept is no error.

    Args:
        model: key of the model that was made.
        identities: of every file of the harness.
    """
    try:
        if before is None:
            if database.in_transaction:
                database.execute("ROLLBACK")
            database.executescript(_TABLES)
            database.execute("BEGIN IMMEDIATE")
            for table in ("state", "files", "told", "shared"):
                database.execute(f"DELETE FROM {table}")
        database.execute("DELETE FROM state")
        database.execute("INSERT INTO state VALUES (?)", (model,))
        known = {} if before is None else before.identities
        gone = [(path,) for path in known if path not in identities]
        database.executemany("DELETE FROM files WHERE path = ?", gone)
        new = [(path, identity) for path, identity in identities.items() if known.get(path) != identity]
        database.executemany("INSERT OR REPLACE INTO files VALUES (?, ?)", new)
        for step, paths in linked.told.items():
            _keep_step(database, step, paths, before)
        database.execute("COMMIT")
    except (sqlite3.Error, ValueError, LostLinksError):  # in use, no room, a lone surrogate
        with suppress(sqlite3.Error):
            database.execute("ROLLBACK")


def _keep_step(database: sqlite3.Connection, step: str, paths: Mapping[str, Told], before: KeptLinks | None) -> None:
    if before is not None:
        old = ((path, table, key) for path in paths for table, key in _names(before.told(step, path)))
        database.executemany(
            "DELETE FROM shared WHERE name = ? AND path = ?", ((_name(table, key), path) for path, table, key in old)
        )
        database.executemany("DELETE FROM told WHERE step = ? AND path = ?", ((step, path) for path in paths))
    database.executemany(
        "INSERT INTO told VALUES (?, ?, ?, ?)",
        ((step, path, _sealed(told.dump()), _sealed(told.asked.tobytes())) for path, told in paths.items() if told),
    )
    database.executemany(
        "INSERT INTO shared VALUES (?, ?, ?)",
        (
            (_name(table, key), path, _sealed(to_json(value, inf_nan_mode="constants")))
            for path, told in paths.items()
            for table, values in told.shared.items()
            for key, value in values.items()
        ),
    )


def _names(told: Told) -> Iterable[tuple[str, str]]:
    return ((table, key) for table, values in told.shared.items() for key in values)


def _name(table: str, key: str) -> str:
    return f"{table} {key}"


def _told(told: bytes, asked: bytes) -> Told:
    own, shared = from_json(_opened(told), cache_strings="keys")
    return Told(own, shared, _numbers(asked))


def _numbers(asked: bytes) -> "array[int]":
    return array("I", _opened(asked))


def _sealed(data: bytes) -> bytes:
    return crc32(data).to_bytes(_SUM, "big") + data


def _opened(data: bytes) -> bytes:
    value = data[_SUM:]
    if crc32(value) != int.from_bytes(data[:_SUM], "big"):
        raise ValueError("not what was written")
    return value


@contextmanager
def _lost() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise LostLinksError(str(error)) from error

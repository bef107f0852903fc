"""The inbox: what a receiver got and no run holds yet, in a small SQLite file of its own beside the store.

A receiver appends, and answers after the commit has reached the disk; later the chunks of a trace become its run in the
store, and go from here. In a file of its own it waits for no other writer, a busy store refuses no client, and
nothing in the store has to be rewritten when chunks go.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from harnessfix_ir.errors import StoreError

if TYPE_CHECKING:
    from harnessfix_collectors.otlp.frames import Signal
    from harnessfix_collectors.receiver.batch import Chunk

SUFFIX = ".inbox"
VERSION = 1
TABLES = """
CREATE TABLE chunk (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    trace BLOB NOT NULL, signal TEXT NOT NULL, items INTEGER NOT NULL, rooted INTEGER NOT NULL,
    size INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE INDEX chunk_of_trace ON chunk (trace, key, rooted, items, size);
CREATE TABLE aside (trace BLOB PRIMARY KEY, last INTEGER NOT NULL, why TEXT NOT NULL) WITHOUT ROWID;
PRAGMA user_version = 1;
"""
PENDING = """
SELECT trace, max(key), max(rooted), sum(items), sum(size) FROM chunk
WHERE NOT EXISTS (SELECT 1 FROM aside WHERE aside.trace = chunk.trace AND aside.last >= chunk.key)
GROUP BY trace ORDER BY max(key)
"""


@dataclass(frozen=True)
class Pending:
    """A trace that waits to become a run.

    Args:
        trace: its id, 32 hex digits.
        last: number of its newest chunk.
        rooted: whether its root is here.
        items: spans and log records, those sent twice counted twice.
        size: bytes.
    """

    trace: str
    last: int
    rooted: bool
    items: int
    size: int


def inbox_of(place: str | Path, folder: Path) -> Path:
    """The inbox file of a store.

    Args:
        place: the store's file, its folder, or a URL, with its password or without.
        folder: where the inbox of a store on a server lies.
    """
    from .place import place_of

    found = place_of(place)
    if found.path is None:
        return folder / f"{hashlib.sha256(str(found).encode()).hexdigest()[:12]}{SUFFIX}"
    return found.path.with_name(found.path.name + SUFFIX)


class Inbox:
    """An open inbox. `keep` is for one thread, everything else for another process or thread with its own `Inbox`.

    Args:
        path: of the file, made when it is not there.
        timeout: seconds to wait for another writer.

    Raises:
        StoreError: it cannot be opened, or is none.
    """

    def __init__(self, path: Path, *, timeout: float = 30.0) -> None:
        self.path = path
        with self._explained():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(0o600)  # first, so that SQLite's files beside it are nobody else's either
            except OSError as error:
                raise StoreError(f"{path}: {error.strerror}", hint="Check the permissions.") from None
            self._db = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
            try:
                self._make_ready()
            except BaseException:
                self._db.close()
                raise

    def _make_ready(self) -> None:
        # The file may come from anywhere: no functions or virtual tables from its schema, no mapped memory.
        for pragma in ("trusted_schema=off", "cell_size_check=on", "mmap_size=0", "page_size=8192"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute("PRAGMA journal_mode=wal")
        # What was answered for has reached the disk; with one commit for many requests that costs next to nothing.
        self._db.execute("PRAGMA synchronous=full")
        with self._transaction():
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for statement in TABLES.split(";\n"):
                    self._db.execute(statement)
            elif version != VERSION:
                raise StoreError(
                    f"{self.path}: a later harnessfix wrote this inbox", hint="`pip install --upgrade harnessfix`."
                )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it; whatever was kept stays."""
        self._db.close()

    def keep(self, chunks: "Sequence[Chunk]") -> None:
        """Append chunks, all or none, and return when they are on the disk. Raises `StoreError`."""
        rows = [(c.trace, c.signal, c.items, c.rooted, len(c.data), c.data) for c in chunks]
        with self._explained(), self._transaction():
            self._db.executemany(
                "INSERT INTO chunk (trace, signal, items, rooted, size, data) VALUES (?, ?, ?, ?, ?, ?)", rows
            )

    def pending(self) -> list[Pending]:
        """Traces that wait, the one that heard last of itself last."""
        with self._explained():
            found = self._db.execute(PENDING).fetchall()
        return [Pending(trace.hex(), last, bool(rooted), items, size) for trace, last, rooted, items, size in found]

    def messages(self, waiting: Pending) -> "list[tuple[Signal, bytes]]":
        """What was received of a trace up to its last chunk, in order."""
        with self._explained():
            return self._db.execute(
                "SELECT signal, data FROM chunk WHERE trace = ? AND key <= ? ORDER BY key",
                (bytes.fromhex(waiting.trace), waiting.last),
            ).fetchall()

    def drop(self, waiting: Pending) -> None:
        """Forget what `messages` gave: it is in the store."""
        with self._explained(), self._transaction():
            self._db.execute(
                "DELETE FROM chunk WHERE trace = ? AND key <= ?", (bytes.fromhex(waiting.trace), waiting.last)
            )
            self._db.execute("DELETE FROM aside WHERE trace = ?", (bytes.fromhex(waiting.trace),))

    def put_aside(self, waiting: Pending, why: str) -> None:
        """Keep what `messages` gave, but do not offer it again until more of the trace comes."""
        with self._explained(), self._transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO aside VALUES (?, ?, ?)", (bytes.fromhex(waiting.trace), waiting.last, why)
            )

    def aside(self) -> list[tuple[str, str]]:
        """Traces that were put aside, and why."""
        with self._explained():
            return [(trace.hex(), why) for trace, why in self._db.execute("SELECT trace, why FROM aside")]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Held by the one process that makes runs at a time; another one's death lets it go."""
        from harnessfix_repairs.locks import hold

        try:
            lock = self.path.with_name(self.path.name + ".lock").open("ab")
        except OSError as error:
            raise StoreError(f"{self.path}.lock: {error.strerror}", hint="Check the permissions.") from None
        with closing(lock):
            hold(lock)
            yield

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            # Only here, since the words come with SQLAlchemy, which a receiver does not need otherwise.
            from .place import Place
            from .trouble import translated

            raise translated(Place(self.path, None), error) from error

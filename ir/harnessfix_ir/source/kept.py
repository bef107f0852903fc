"""How a harness was linked last, kept in a database, so that an edit costs what it touches and not the whole tree.

The database holds for every file what it told in each pass and what it asked for, and the other way round, by the
number of what is asked for, what was told to all and who asked. So a file that asks again finds all that it asked for
last time at once, and an edit those who asked for what it changes. One that cannot be read, is locked, or says what
nobody wrote is as good as none: the harness is linked anew. A row that must be there and is not says so as well.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, count
from pathlib import Path
from typing import Any
from zlib import crc32

from pydantic_core import from_json

from .link.exchange import HARNESS, Told, as_json, join, number, split
from .link.model import STEPS, Linked

_TABLES = {
    "state": "(value BLOB NOT NULL)",
    "told": "(path TEXT, step TEXT, own BLOB NOT NULL, shared BLOB NOT NULL, PRIMARY KEY (path, step)) WITHOUT ROWID",
    "asked": "(path TEXT PRIMARY KEY, numbers BLOB NOT NULL) WITHOUT ROWID",
    "buckets": "(bucket INTEGER PRIMARY KEY, answers BLOB NOT NULL, askers BLOB NOT NULL)",
}
_SECONDS = 1.0
_SUM = 4  # bytes before each value
_KEYS = 4
"""Keys to a bucket, about."""
_NOTHING = Told().dump

_Asked = dict[str, tuple[list[int], list[int]]]
"""By pass, the numbers of what a file asked for (`Told.asked`)."""


@dataclass
class _Bucket:
    """What is asked for under some numbers.

    Args:
        place: of the bucket.
        kept: `answers` and `askers` as they are kept; each is read when it is asked for.
    """

    place: int
    kept: tuple[bytes, bytes] = (b"", b"{}")

    @cached_property
    def answers(self) -> dict[bytes, bytes]:
        """By table and key, path and value of all that was told to all; JSON, since few of them are asked for."""
        return split(self.kept[0])

    @cached_property
    def askers(self) -> dict[str, list[int]]:
        """By number, who asked: the file's number and the pass's in one."""
        askers: dict[str, list[int]] = from_json(self.kept[1])
        return askers


class LostLinksError(Exception):
    """What was kept cannot be used."""


class _Lost:
    """Around what reads: whatever goes wrong there says that nothing of use is kept."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.Error | ValueError | TypeError | KeyError):
            raise LostLinksError(str(error)) from error


_LOST = _Lost()


class KeptLinks:
    """The last linking of one harness; what is read belongs to one moment.

    Args:
        database: open, in a transaction of its own.

    Raises:
        LostLinksError: here and from all that reads, when nothing of use is there.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._told: dict[str, dict[str, tuple[bytes, bytes]]] = {}
        self._own: dict[tuple[str, str], dict[bytes, bytes]] = {}
        self._asked: dict[str, _Asked] = {}
        self._buckets: dict[int, _Bucket] = {}
        with _LOST:
            database.execute("BEGIN")
            (value,) = database.execute("SELECT value FROM state").fetchone()
            state = from_json(_opened(value, ""))
            self.model: str = state["model"]
            self.size: int = state["buckets"]
            self.numbers: dict[str, int] = {path: number for path, (number, _) in state["files"].items()}
            self.identities: dict[str, str] = {path: identity for path, (_, identity) in state["files"].items()}
            del self.identities[HARNESS]

    def told(self, step: str, path: str) -> tuple[bytes, bytes]:
        """What a file told in a pass, as `Told.dump` writes it."""
        if path not in self.numbers:
            return _NOTHING
        with _LOST:
            if path not in self._told:
                rows = self._database.execute("SELECT step, own, shared FROM told WHERE path = ?", (path,))
                self._told[path] = {
                    name: (_opened(own, f"{name} {path}"), _opened(shared, f"{name} {path}"))
                    for name, own, shared in rows
                }
            return self._told[path][step]

    def own(self, step: str, path: str, table: str) -> dict[str, Any]:
        """What a file told in a pass under the keys of a table to those who ask it."""
        if path not in self.numbers:
            return {}
        with _LOST:
            if (step, path) not in self._own:
                query = "SELECT own FROM told WHERE path = ? AND step = ?"
                (own,) = self._database.execute(query, (path, step)).fetchone()
                self._own[step, path] = split(_opened(own, f"{step} {path}"))
            found: dict[str, Any] = from_json(self._own[step, path].get(as_json(table), b"{}"), cache_strings="keys")
        return found

    def shared(self, table: str, key: str) -> Iterable[tuple[str, Any]]:
        """Path and value of every file that shared something under a key, in any order."""
        bucket, name = self.bucket(number((table, "", key))), _name(table, key)
        if name not in bucket.kept[0]:  # most is asked for in vain
            return ()
        with _LOST:
            rows: list[tuple[str, Any]] = from_json(bucket.answers.get(name, b"[]"), cache_strings="keys")
        return rows

    def asked(self, path: str) -> _Asked:
        """The numbers of what a file asked for, by pass."""
        if path not in self.numbers:
            return {}
        with _LOST:
            if path not in self._asked:
                (asked,) = self._database.execute("SELECT numbers FROM asked WHERE path = ?", (path,)).fetchone()
                self._asked[path] = from_json(_opened(asked, path))
            return self._asked[path]

    def expect(self, path: str) -> None:
        """Say that a file goes through passes, and may ask for what it asked for last time."""
        if path not in self._asked:
            self._fetch({one % self.size for _, of_all in self.asked(path).values() for one in of_all})

    def asking(self, step: str, changed: set[int]) -> Iterator[str]:
        """Files that asked in a pass for something with one of these numbers."""
        if not changed:
            return
        self._fetch({one % self.size for one in changed})
        wanted, paths = STEPS.index(step), {number: path for path, number in self.numbers.items()}
        with _LOST:
            for one in changed:
                for asker in self.bucket(one).askers.get(str(one), ()):
                    which, of_step = divmod(asker, len(STEPS))
                    if of_step == wanted:
                        yield paths[which]

    def bucket(self, one: int) -> _Bucket:
        """What is asked for under a number, and under those that share its bucket."""
        place = one % self.size
        if place not in self._buckets:
            self._fetch({place})
        return self._buckets[place]

    def _fetch(self, buckets: set[int]) -> None:
        missing = buckets.difference(self._buckets)
        if not missing:
            return
        listed = ",".join(map(str, missing))  # of numbers alone: nothing in it can be mistaken
        with _LOST:
            for place, *kept in self._database.execute(f"SELECT * FROM buckets WHERE bucket IN ({listed})"):
                answers, askers = (_opened(value, str(place)) for value in kept)
                self._buckets[place] = _Bucket(place, (answers, askers))
        if not missing <= self._buckets.keys():
            raise LostLinksError("it is not known what files told each other")


@contextmanager
def open_links(file: Path) -> Iterator[sqlite3.Connection]:
    """A database of kept links, in memory when the file cannot be opened."""
    try:
        if not file.exists():
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
    numbers = _numbers({} if before is None else before.numbers, (HARNESS, *identities))
    try:
        if before is None:
            size = _keep_all(database, linked, numbers)
        else:
            size = before.size
            _keep_changes(database, linked, numbers, before)
        files = {path: (number, identities.get(path, "")) for path, number in numbers.items()}
        state = as_json({"model": model, "buckets": size, "files": files})
        # A row that is there is written again in its place, which costs half of what deleting it and another one would.
        database.execute("UPDATE state SET value = ?", (_sealed(state, ""),))
        database.execute("COMMIT")
    except (sqlite3.Error, ValueError, LostLinksError):  # in use, no room, a lone surrogate
        with suppress(sqlite3.Error):
            database.execute("ROLLBACK")


def _numbers(before: Mapping[str, int], paths: Iterable[str]) -> dict[str, int]:
    """A number for every file: its own of before, or one that none had."""
    following = count(max(before.values(), default=-1) + 1)
    return {path: before[path] if path in before else next(following) for path in paths}


def _keep_all(database: sqlite3.Connection, linked: Linked, numbers: Mapping[str, int]) -> int:
    """Keep all of it; returns how many buckets there are."""
    if database.in_transaction:
        database.execute("ROLLBACK")
    database.execute("BEGIN IMMEDIATE")
    for table, columns in _TABLES.items():
        database.execute(f"DROP TABLE IF EXISTS {table}")
        database.execute(f"CREATE TABLE {table} {columns}")
    answers: dict[tuple[str, str], list[tuple[str, Any]]] = defaultdict(list)
    askers: dict[int, list[int]] = defaultdict(list)
    told_rows, asked_rows = [], []
    for path in sorted(numbers):
        asked: _Asked = {}
        for place, step in enumerate(STEPS):
            told = linked.told[step][path]
            told_rows.append(_told_row(path, step, told))
            asked[step] = told.asked
            asker = numbers[path] * len(STEPS) + place
            for one in chain(*told.asked):
                askers[one].append(asker)
            for table, values in told.shared.items():
                for key, value in values.items():
                    answers[table, key].append((path, value))
        asked_rows.append(_asked_row(path, asked))
    size = max(1, len(answers) // _KEYS)
    buckets = [*map(_Bucket, range(size))]
    for (table, key), rows in answers.items():
        buckets[number((table, "", key)) % size].answers[_name(table, key)] = as_json(rows)
    for one, found in askers.items():
        buckets[one % size].askers[str(one)] = found
    database.execute("INSERT INTO state VALUES (?)", (b"",))
    database.executemany("INSERT INTO told VALUES (?, ?, ?, ?)", told_rows)
    database.executemany("INSERT INTO asked VALUES (?, ?)", asked_rows)
    database.executemany("INSERT INTO buckets VALUES (?, ?, ?)", map(_bucket_row, buckets))
    return size


def _keep_changes(database: sqlite3.Connection, linked: Linked, numbers: Mapping[str, int], before: KeptLinks) -> None:
    changed: dict[int, _Bucket] = {}

    def bucket(one: int) -> _Bucket:
        return changed.setdefault(one % before.size, before.bucket(one))

    asked: dict[str, _Asked] = {}
    for place, step in enumerate(STEPS):
        for path, told in linked.told[step].items():
            was = {*chain(*before.asked(path).get(step, ()))}
            now = {*chain(*told.asked)} if path in numbers else set()
            asker = numbers.get(path, before.numbers.get(path, 0)) * len(STEPS) + place
            for one in was ^ now:
                askers = bucket(one).askers.setdefault(str(one), [])
                if one in now:
                    askers.append(asker)
                else:
                    askers.remove(asker)
            if was != now or path not in before.numbers:
                asked.setdefault(path, {**before.asked(path)})[step] = told.asked
            changes = linked.changes[step][path]
            for (table, where, key), value in changes:
                if not where:
                    _answer(bucket(number((table, "", key))), _name(table, key), path, value)
            if changes or path not in before.numbers:
                database.execute("INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?)", _told_row(path, step, told))
    rows = (_asked_row(path, steps) for path, steps in asked.items())
    database.executemany("INSERT OR REPLACE INTO asked VALUES (?, ?)", rows)
    buckets = ((answers, askers, place) for place, answers, askers in map(_bucket_row, changed.values()))
    database.executemany("UPDATE buckets SET answers = ?, askers = ? WHERE bucket = ?", buckets)
    gone = [(path,) for path in before.numbers if path not in numbers]
    for table in ("told", "asked"):
        database.executemany(f"DELETE FROM {table} WHERE path = ?", gone)


def _answer(bucket: _Bucket, name: bytes, path: str, value: Any) -> None:
    """Put what one file tells all into a bucket, None for nothing."""
    rows = [(other, known) for other, known in from_json(bucket.answers.pop(name, b"[]")) if other != path]
    if value is not None:
        rows.append((path, value))
    if rows:
        bucket.answers[name] = as_json(rows)


def _told_row(path: str, step: str, told: Told) -> tuple[str, str, bytes, bytes]:
    own, shared = told.dump
    return path, step, _sealed(own, f"{step} {path}"), _sealed(shared, f"{step} {path}")


def _asked_row(path: str, asked: _Asked) -> tuple[str, bytes]:
    return path, _sealed(as_json(asked), path)


def _bucket_row(bucket: _Bucket) -> tuple[int, bytes, bytes]:
    place = bucket.place
    return place, _sealed(join(bucket.answers.items()), str(place)), _sealed(as_json(bucket.askers), str(place))


def _name(table: str, key: str) -> bytes:
    return as_json(f"{table} {key}")


def _sealed(data: bytes, place: str) -> bytes:
    """A value after a sum of it and of the place that it belongs to."""
    return _sum(data, place) + data


def _opened(data: bytes, place: str) -> bytes:
    value = data[_SUM:]
    if _sum(value, place) != data[:_SUM]:
        raise ValueError("not what was written")
    return value


def _sum(data: bytes, place: str) -> bytes:
    return crc32(data, crc32(place.encode("utf-8", "surrogatepass"))).to_bytes(_SUM, "big")

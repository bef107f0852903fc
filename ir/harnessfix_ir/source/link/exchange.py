"""What files tell each other while they are linked, and which file asked for what.

Linking is a sequence of passes. In each, one file at a time reads its own facts, asks what other files told in earlier
passes, and tells something itself. What it asked for is written down, so that after an edit only those files go through
a pass again that asked for something that is told differently now; what nobody told was asked for as well.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Protocol
from zlib import crc32

from pydantic_core import from_json, to_json

Asked = tuple[str, str, str]
"""Table, path of the file that was asked (empty when all were) and key."""
Rows = dict[str, dict[str, Any]]
"""By table and key, plain values that survive a trip through JSON."""

HARNESS = ""
"""Path under which a pass over the whole harness tells what it found."""


@dataclass
class Told:
    """What one file told in one pass.

    Args:
        own: for those who ask this file.
        shared: for those who ask all files.
        asked: numbers of what was asked for on the way (`number`), in order: of single files, and of all.
    """

    own: Rows = field(default_factory=dict)
    shared: Rows = field(default_factory=dict)
    asked: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))

    def tell(self, table: str, key: str, value: Any) -> None:
        """Say something to those who ask this file; a list is written faster than a named tuple."""
        self.own.setdefault(table, {})[key] = value

    def share(self, table: str, key: str, value: Any) -> None:
        """Say something to those who ask all files."""
        self.shared.setdefault(table, {})[key] = value

    @cached_property
    def dump(self) -> tuple[bytes, bytes]:
        """What was told, own and shared: a line for each table (`join`). To be asked for when all is told.

        Raises:
            ValueError: when it holds what JSON cannot (a lone surrogate).
        """
        own, shared = (
            join((as_json(table), as_json(rows)) for table, rows in tables.items())
            for tables in (self.own, self.shared)
        )
        return own, shared


def as_json(value: Any) -> bytes:
    """A value as it is kept. Raises `ValueError` when it holds what JSON cannot."""
    return to_json(value, inf_nan_mode="constants")


def join(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Keys and values, JSON all of them, as lines of which each can be read without the others."""
    return b"\n".join([b"%b\t%b" % pair for pair in pairs])  # JSON holds neither sign as such


def split(lines: bytes) -> dict[bytes, bytes]:
    """The keys and values that `join` joined."""
    pairs = [line.partition(b"\t") for line in lines.split(b"\n")] if lines else []
    return {key: value for key, _, value in pairs}


class Kept(Protocol):
    """What was told when the harness was last linked."""

    def told(self, step: str, path: str) -> tuple[bytes, bytes]:
        """What a file told in a pass, as `Told.dump` writes it."""
        ...

    def expect(self, path: str) -> None:
        """Say that a file goes through passes, and may ask for what it asked for last time."""
        ...

    def own(self, step: str, path: str, table: str) -> dict[str, Any]:
        """What a file told in a pass under the keys of a table to those who ask it."""
        ...

    def shared(self, table: str, key: str) -> Iterable[tuple[str, Any]]:
        """Path and value of every file that shared something under a key, in any order."""
        ...

    def asking(self, step: str, changed: set[int]) -> Iterable[str]:
        """Files that asked in a pass for something with one of these numbers."""
        ...


class Exchange:
    """Carries what files tell to those who ask.

    Args:
        order: paths of the harness's files; answers of several come in this order.
        step_of: the pass in which a table is told, those of the first pass first.
        kept: what files told that do not go through a pass again; None when all do.
    """

    def __init__(self, order: Iterable[str], step_of: Mapping[str, str], kept: Kept | None) -> None:
        self._places = {path: place for place, path in enumerate((HARNESS, *order))}
        self._step_of = step_of
        first = next(iter(step_of.values()), "")
        self._first = {table for table, step in step_of.items() if step == first}
        self._kept = kept
        self._own: dict[str, dict[str, dict[str, Any]]] = {table: {} for table in step_of}
        self._shared: dict[str, dict[str, list[tuple[str, Any]]]] = {table: {} for table in step_of}
        self._renewed: dict[str, set[str]] = {}
        self._answers: dict[tuple[str, str], list[tuple[str, Any]]] = {}
        self.asked: set[Asked] = set()

    def renew(self, step: str, paths: Iterable[str]) -> None:
        """Say before a pass which files go through it: what they told earlier counts no more."""
        self._renewed[step] = {*paths}

    def put(self, step: str, path: str, told: Told) -> None:
        """Take what a file told in a pass; files come in the order of the harness."""
        for table, rows in told.own.items():
            assert self._step_of[table] == step, table
            self._own[table][path] = rows
        for table, rows in told.shared.items():
            assert self._step_of[table] == step, table
            found = self._shared[table]
            for key, value in rows.items():
                found.setdefault(key, []).append((path, value))

    def of(self, table: str, path: str, key: str) -> Any:
        """What one file told under a key, None when it told nothing."""
        self.asked.add((table, path, key))
        rows = self._own[table].get(path)
        if rows is None:
            rows = self._own[table][path] = self._kept_rows(table, path)
        return rows.get(key)

    def everywhere(self, table: str, key: str) -> list[tuple[str, Any]]:
        """Path and value of every file that shared something under a key, in order of file."""
        self.asked.add((table, "", key))
        if self._kept is None:
            return self._shared[table].get(key, [])
        if (table, key) not in self._answers:
            self._answers[table, key] = self._answer(table, key, self._kept)
        return self._answers[table, key]

    def take_asked(self, path: str) -> tuple[list[int], list[int]]:
        """Numbers of what was asked for since the last time, on behalf of one file.

        What a file says of its own text changes with the text alone, and then it goes through every pass anyway.
        """
        asked, self.asked = self.asked, set()
        of_one = {number(one) for one in asked if one[1] and (one[1] != path or one[0] not in self._first)}
        return sorted(of_one), sorted({number(one) for one in asked if not one[1]})

    def _kept_rows(self, table: str, path: str) -> dict[str, Any]:
        step = self._step_of[table]
        if self._kept is None or path in self._renewed.get(step, ()) or path not in self._places:
            return {}
        return self._kept.own(step, path, table)

    def _answer(self, table: str, key: str, kept: Kept) -> list[tuple[str, Any]]:
        renewed = self._renewed.get(self._step_of[table], ())
        found = [*self._shared[table].get(key, ())]
        for path, value in kept.shared(table, key):
            if path not in renewed and path in self._places:
                found.append((path, value))
        if len(found) > 1:
            found.sort(key=lambda answer: self._places[answer[0]])
        return found


def number(asked: Asked) -> int:
    """A number for something that can be asked for. Two may share one: then a file is linked once more than needed."""
    table, path, key = asked
    return crc32(key.encode("utf-8", "surrogatepass"), _of_table(table, path))


@lru_cache(maxsize=65536)
def _of_table(table: str, path: str) -> int:
    return crc32(f"{table}\0{path}\0".encode("utf-8", "surrogatepass"))


def differences(path: str, before: tuple[bytes, bytes], after: tuple[bytes, bytes]) -> Iterator[tuple[Asked, Any]]:
    """All that a file tells differently now, with what it tells, None for nothing.

    Args:
        path: of the file.
        before, after: what it told, as `Told.dump` writes it.
    """
    for place, was, now in zip((path, ""), before, after):
        if was == now:
            continue
        old, new = split(was), split(now)
        for table in {*old, *new}:
            if old.get(table) != new.get(table):
                rows, others = (from_json(found.get(table, b"{}")) for found in (old, new))
                for key in {*rows, *others}:
                    if rows.get(key) != others.get(key):
                        yield (from_json(table), place, key), others.get(key)

"""A harness model as bytes for the cache: a line of plain rows for each file, read when something of it is asked for.

Reading a model back checks its digest and reads one line that says what is where; the lines of a file are decoded, and
documents made of their rows, for what is asked (`Rows`). A file's lines depend on that file's part of the model alone,
and a model that differs from another in few files is kept as those files and the key of the other.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import accumulate, islice
from typing import Any, Generic, TypeVar

from pydantic_core import from_json, to_json

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import Document, unchecked, unchecked_many
from harnessfix_ir.errors import BadDocumentError
from harnessfix_ir.harness import CallEdge, Element, Fact, HarnessModel, SourceFile
from harnessfix_ir.rows import Rows
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, Evidence, Route

from .collector import no_collections
from .facts import LAYERS
from .places import PLACES

D = TypeVar("D", bound=Document)
_make_model = unchecked(HarnessModel)
_DIGEST = 64
_MOST = 1 / 8
"""Share of a model's bytes up to which a later model is kept as what is changed, and the bytes that are always few."""
_LEAST = 1 << 16
_FILE_FIELDS = tuple(SourceFile.model_fields)
_ROLES, _KINDS, _RUNGS = list(ElementRole), list(AnchorKind), list(Evidence)
ROLE_NUMBERS = {role: number for number, role in enumerate(_ROLES)}
KIND_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}
RUNG_NUMBERS = {rung: number for number, rung in enumerate(_RUNGS)}

ElementRow = list[Any]
"""`[role, name, qualname, how many of that role and qualname came before, start, end, hash, kind, facts, text]`, with
the numbers above for role, kind and the rungs of facts `[name, value, line, rung]`. Where the line is `PLACES` or
`PLACE` the value is a list of places or one, which become `path:line` with what the chunk of that file says of it."""
CallRows = dict[str, list[Any]]
"""Qualified name of a caller to `[callee, line, resolved, callee, line, resolved, …]`."""


@dataclass
class Chunk:
    """What a model holds of one file: as rows, as lines of JSON, or as both.

    Args:
        path: of the file.
        roles: the number of the role of each element.
        calls: how many calls.
        lines: JSON of the elements' rows, of the calls' rows and of the lines of places; made when it is asked for.
    """

    path: str
    roles: list[int]
    calls: int
    lines: tuple[bytes, bytes, bytes] | None = None

    @classmethod
    def of(cls, path: str, elements: list[ElementRow], calls: CallRows, places: dict[str, list[int]]) -> "Chunk":
        """A chunk of rows that were just made."""
        chunk = cls(path, [row[0] for row in elements], sum(map(len, calls.values())) // 3)
        chunk.element_rows, chunk.call_rows, chunk.places = elements, calls, places
        return chunk

    @cached_property
    def element_rows(self) -> list[ElementRow]:
        """The elements, in order of line."""
        rows: list[ElementRow] = self._decoded(0, list)
        if len(rows) != len(self.roles):
            raise _damaged(self.path)
        return rows

    @cached_property
    def call_rows(self) -> CallRows:
        """The calls, by caller."""
        rows: CallRows = self._decoded(1, dict)
        if sum(map(len, rows.values())) // 3 != self.calls:
            raise _damaged(self.path)
        return rows

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """The lines of the file's places, by kind."""
        rows: dict[str, list[int]] = self._decoded(2, dict)
        return rows

    @cached_property
    def flat_calls(self) -> list[tuple[str, str, int, str]]:
        """Caller, callee, line and what it was resolved to of every call."""
        return [
            (caller, *row)
            for caller, flat in self.call_rows.items()
            for row in zip(flat[::3], flat[1::3], flat[2::3], strict=True)
        ]

    def _decoded(self, line: int, kind: type) -> Any:
        assert self.lines is not None
        rows = from_json(self.lines[line], cache_strings="keys")
        if not isinstance(rows, kind):
            raise _damaged(self.path)
        return rows

    def dump(self) -> tuple[bytes, bytes, bytes]:
        """The chunk's lines. Raises `ValueError` when it holds what JSON cannot (a lone surrogate in a literal)."""
        if self.lines is None:
            self.lines = _json(self.element_rows), _json(self.call_rows), _json(self.places)
        return self.lines


def model_of(root: str, files: Iterable[SourceFile], chunks: Sequence[Chunk]) -> HarnessModel:
    """The model of some chunks, in order of path for the elements; its documents are made when asked for."""
    ordered = sorted(chunks, key=lambda chunk: chunk.path)
    calling = [chunk for chunk in chunks if chunk.calls]
    elements = Rows(
        sum(len(chunk.roles) for chunk in ordered),
        {
            "role": lambda: [_ROLES[role] for chunk in ordered for role in chunk.roles],
            "path": lambda: [chunk.path for chunk in ordered for _ in chunk.roles],
        },
        _Made(
            ordered,
            [len(chunk.roles) for chunk in ordered],
            lambda chunk: chunk.element_rows,
            partial(_elements, _Places(chunks)),
        ),
    )
    calls = Rows(
        sum(chunk.calls for chunk in calling),
        {
            "path": lambda: [chunk.path for chunk in calling for _ in range(chunk.calls)],
            "name": lambda: [call[1].rpartition(".")[2] for chunk in calling for call in chunk.flat_calls],
            "caller": lambda: [f"{chunk.path}:{call[0]}" for chunk in calling for call in chunk.flat_calls],
            "resolved": lambda: [call[3] for chunk in calling for call in chunk.flat_calls],
        },
        _Made(calling, [chunk.calls for chunk in calling], lambda chunk: chunk.flat_calls, _calls),
    )
    return _make_model(root=root, files=tuple(files), elements=elements, calls=calls)


@dataclass
class Parts:
    """What a model is made of, and how much of it another model that is kept holds already.

    Args:
        root: of the model.
        files, chunks: of every file of the harness, in the same order.
        whole: key of the model that holds all files but those in `changed`; empty when nothing is taken from another.
        changed: paths of the files that are not as they are there.
        size: bytes of the model under `whole`.
    """

    root: str
    files: list[SourceFile]
    chunks: list[Chunk]
    whole: str = ""
    changed: frozenset[str] = frozenset()
    size: int = 0

    def model(self) -> HarnessModel:
        """The model of these parts."""
        return model_of(self.root, self.files, self.chunks)

    def with_changed(self, files: list[SourceFile], chunks: list[Chunk], changed: Iterable[str]) -> "Parts":
        """A later model of the same harness, in which files at some more paths are not as they were.

        It takes nothing from another once that saves little.
        """
        later = Parts(self.root, files, chunks, self.whole, self.changed.union(changed), self.size)
        own = (line for chunk in chunks if chunk.path in later.changed for line in chunk.dump())
        return later if sum(map(len, own)) < max(_LEAST, self.size * _MOST) else Parts(self.root, files, chunks)

    def dump(self) -> bytes:
        """The parts as bytes, without those that are kept elsewhere.

        Raises:
            ValueError: when they hold what JSON cannot (a lone surrogate).
        """
        own = [place for place, chunk in enumerate(self.chunks) if not self.whole or chunk.path in self.changed]
        head = {
            "root": self.root,
            "whole": self.whole,
            "order": [chunk.path for chunk in self.chunks] if self.whole else [],
            "files": [[getattr(self.files[place], name) for name in _FILE_FIELDS] for place in own],
            "chunks": [[self.chunks[place].path, self.chunks[place].roles, self.chunks[place].calls] for place in own],
        }
        data = b"\n".join([_json(head), *(line for place in own for line in self.chunks[place].dump())])
        return hashlib.sha256(data).hexdigest().encode() + data


def load_parts(data: bytes, key: str, read: Callable[[str], bytes]) -> Parts:
    """The parts that `Parts.dump` wrote.

    Args:
        data: what is kept under `key`.
        key: of the model.
        read: what is kept under the key of another model; `ValueError` when that is nothing.

    Raises:
        ValueError, TypeError, KeyError, IndexError: these are other bytes.
    """
    if hashlib.sha256(data[_DIGEST:]).hexdigest().encode() != data[:_DIGEST]:
        raise ValueError("not what was written")
    head, *lines = data[_DIGEST:].split(b"\n")
    body = from_json(head, cache_strings="keys")
    triples = zip(lines[::3], lines[1::3], lines[2::3], strict=True)
    chunks = [
        Chunk(_text(path), roles, int(calls), triple)
        for (path, roles, calls), triple in zip(body["chunks"], triples, strict=True)
    ]
    files = unchecked_many(SourceFile, (dict(zip(_FILE_FIELDS, row, strict=True)) for row in body["files"]))
    if not body["whole"]:
        return Parts(_text(body["root"]), files, chunks, key, frozenset(), len(data))
    whole = load_parts(read(body["whole"]), body["whole"], _nowhere)
    changed = frozenset(chunk.path for chunk in chunks)
    known = {chunk.path: (file, chunk) for file, chunk in zip((*whole.files, *files), (*whole.chunks, *chunks))}
    places = [known[path] for path in body["order"]]
    return Parts(
        _text(body["root"]),
        [file for file, _ in places],
        [chunk for _, chunk in places],
        whole.whole,
        changed,
        whole.size,
    )


def _nowhere(key: str) -> bytes:
    raise ValueError(f"{key} is no whole model")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _json(value: object) -> bytes:
    return to_json(value, inf_nan_mode="constants")


def _damaged(path: str) -> BadDocumentError:
    return BadDocumentError(
        f"what the cache holds of {path} is not what harnessfix wrote",
        hint="Delete the folder .harnessfix/cache; it is made anew.",
    )


class _Made(Generic[D]):
    """Makes the documents at some places of a sequence that runs through many chunks."""

    def __init__(
        self,
        chunks: Sequence[Chunk],
        lengths: Iterable[int],
        rows_of: Callable[[Chunk], Sequence[Any]],
        documents: Callable[[list[tuple[str, Any]]], list[D]],
    ) -> None:
        self._chunks = chunks
        self._starts = [0, *accumulate(lengths)]
        self._rows_of, self._documents = rows_of, documents

    def __call__(self, places: Sequence[int]) -> list[D]:
        rows: list[tuple[str, Any]] = []
        chunk: Chunk | None = None
        own: Sequence[Any] = ()
        start = end = 0
        with no_collections():
            for place in places:
                if not start <= place < end:
                    number = bisect_right(self._starts, place) - 1
                    start, end = self._starts[number : number + 2]
                    chunk = self._chunks[number]
                    own = self._rows_of(chunk)
                assert chunk is not None
                rows.append((chunk.path, own[place - start]))
            try:
                return self._documents(rows)
            except (ValueError, TypeError, IndexError, KeyError) as error:
                raise _damaged(chunk.path if chunk else "nothing") from error


class _Places:
    """Says where places are, as `path:line`."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._chunks = chunks

    def value(self, value: Any, line: int) -> Any:
        """What a fact is that names places; `line` says how."""
        return [*map(self._text, value)] if line == PLACES else self._text(value)

    def _text(self, place: tuple[str, str, int]) -> str:
        path, kind, number = place
        return f"{path}:{self._by_path[path].places[kind][number]}"

    @cached_property
    def _by_path(self) -> dict[str, Chunk]:
        return {chunk.path: chunk for chunk in self._chunks}


def _elements(places: _Places, rows: list[tuple[str, ElementRow]]) -> list[Element]:
    anchors = unchecked_many(
        Anchor,
        (
            {
                "path": path,
                "qualname": qualname,
                "start_line": start,
                "end_line": end,
                "content_hash": digest,
                "kind": _KINDS[kind],
                "route": Route.STATIC,
                "evidence": Evidence.OBSERVED,
                "reason": "",
                "ties": 1,
            }
            for path, (_, _, qualname, _, start, end, digest, kind, _, _) in rows
        ),
    )
    facts = iter(
        unchecked_many(
            Fact,
            (
                {"name": name, "value": value, "line": line, "evidence": _RUNGS[rung]}
                if line >= 0
                else {"name": name, "value": places.value(value, line), "line": 0, "evidence": _RUNGS[rung]}
                for _, row in rows
                for name, value, line, rung in row[8]
            ),
        )
    )
    return unchecked_many(
        Element,
        (
            {
                "id": f"{(role := _ROLES[number]).value}:{path}:{qualname}{f'#{before + 1}' if before else ''}",
                "role": role,
                "layer": LAYERS[role],
                "name": name,
                "anchor": anchor,
                "facts": tuple(islice(facts, len(own))),
                "text": text,
            }
            for (path, (number, name, qualname, before, _, _, _, _, own, text)), anchor in zip(rows, anchors)
        ),
    )


def _calls(rows: list[tuple[str, tuple[str, str, int, str]]]) -> list[CallEdge]:
    return unchecked_many(
        CallEdge,
        (
            {"caller": f"{path}:{caller}", "callee": callee, "line": line, "resolved": resolved}
            for path, (caller, callee, line, resolved) in rows
        ),
    )

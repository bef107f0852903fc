"""A harness model as bytes for the cache: columns of numbers and one table of strings, quick to read back.

A model of a large harness has a million values, most of them said before: names, paths, facts that many elements
have. Each distinct string and fact is held once, and elements and calls are columns that refer to them, so that
reading makes few objects and makes them in bulk. What was written is checked by its digest and by the types of its
columns before documents are made of it.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, TypeVar

from pydantic_core import from_json

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import unchecked_many
from harnessfix_ir.harness import CallEdge, Element, Fact, HarnessModel, SourceFile
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, Evidence, Layer, Route

T = TypeVar("T")
_DIGEST = 64


def dump_model(model: HarnessModel) -> bytes:
    """The model as bytes. Raises `ValueError` when it holds what JSON cannot (a lone surrogate in a literal)."""
    strings = _Table()
    facts: dict[tuple[str, str, int, Evidence], tuple[int, Fact]] = {}
    anchors = [element.anchor for element in model.elements]
    body = {
        "root": model.root,
        "files": [file.model_dump(mode="json", exclude_defaults=True) for file in model.files],
        "elements": {
            "id": strings.add(element.id for element in model.elements),
            "role": [element.role for element in model.elements],
            "layer": [element.layer for element in model.elements],
            "name": strings.add(element.name for element in model.elements),
            "text": strings.add(element.text for element in model.elements),
            "facts": [[_number(fact, facts) for fact in element.facts] for element in model.elements],
            "path": strings.add(anchor.path for anchor in anchors),
            "qualname": strings.add(anchor.qualname for anchor in anchors),
            "start": [anchor.start_line for anchor in anchors],
            "end": [anchor.end_line for anchor in anchors],
            "hash": strings.add(anchor.content_hash for anchor in anchors),
            "kind": [anchor.kind for anchor in anchors],
        },
        "calls": {
            "caller": strings.add(call.caller for call in model.calls),
            "callee": strings.add(call.callee for call in model.calls),
            "line": [call.line for call in model.calls],
            "resolved": strings.add(call.resolved for call in model.calls),
        },
        "facts": [[fact.name, fact.value, fact.line, fact.evidence] for _, fact in facts.values()],
        "strings": strings.values,
    }
    data = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    return hashlib.sha256(data).hexdigest().encode() + data


def load_model(data: bytes) -> HarnessModel:
    """The model that `dump_model` wrote.

    Raises:
        ValueError, TypeError, KeyError, IndexError: these are other bytes.
    """
    if hashlib.sha256(data[_DIGEST:]).hexdigest().encode() != data[:_DIGEST]:
        raise ValueError("not what was written")
    body = from_json(data[_DIGEST:], cache_strings="keys")
    strings, facts = _of_type(str, body["strings"]), _facts(body["facts"])
    calls = body["calls"]
    edges = unchecked_many(
        CallEdge,
        (
            {"caller": caller, "callee": callee, "line": line, "resolved": resolved}
            for caller, callee, line, resolved in zip(
                _picked(strings, calls["caller"]),
                _picked(strings, calls["callee"]),
                _of_type(int, calls["line"]),
                _picked(strings, calls["resolved"]),
                strict=True,
            )
        ),
    )
    elements = _elements(body["elements"], strings, facts)
    files = tuple(SourceFile.model_validate(file) for file in body["files"])
    return HarnessModel(root=body["root"], files=files, elements=tuple(elements), calls=tuple(edges))


def _elements(columns: dict[str, list[Any]], strings: Sequence[str], facts: Sequence[Fact]) -> list[Element]:
    anchors = unchecked_many(
        Anchor,
        (
            {
                "path": path,
                "qualname": qualname,
                "start_line": start,
                "end_line": end,
                "content_hash": content_hash,
                "kind": kind,
                "route": Route.STATIC,
                "evidence": Evidence.OBSERVED,
                "reason": "",
                "ties": 1,
            }
            for path, qualname, start, end, content_hash, kind in zip(
                _picked(strings, columns["path"]),
                _picked(strings, columns["qualname"]),
                _of_type(int, columns["start"]),
                _of_type(int, columns["end"]),
                _picked(strings, columns["hash"]),
                map({kind.value: kind for kind in AnchorKind}.__getitem__, columns["kind"]),
                strict=True,
            )
        ),
    )
    return unchecked_many(
        Element,
        (
            {"id": id, "role": role, "layer": layer, "name": name, "anchor": anchor, "facts": own, "text": text}
            for id, role, layer, name, anchor, own, text in zip(
                _picked(strings, columns["id"]),
                map({role.value: role for role in ElementRole}.__getitem__, columns["role"]),
                map({layer.value: layer for layer in Layer}.__getitem__, columns["layer"]),
                _picked(strings, columns["name"]),
                anchors,
                (tuple(_picked(facts, own)) for own in columns["facts"]),
                _picked(strings, columns["text"]),
                strict=True,
            )
        ),
    )


def _number(fact: Fact, known: dict[tuple[str, str, int, Evidence], tuple[int, Fact]]) -> int:
    """The number of a fact among those that say the same (to the type: True is not 1); a new one for a new fact."""
    return known.setdefault((fact.name, repr(fact.value), fact.line, fact.evidence), (len(known), fact))[0]


def _facts(rows: list[list[Any]]) -> list[Fact]:
    if not rows:
        return []
    names, values, lines, rungs = zip(*rows, strict=True)
    _of_type(str, names)
    _of_type(int, lines)
    evidence = map({rung.value: rung for rung in Evidence}.__getitem__, rungs)
    return unchecked_many(
        Fact,
        (
            {"name": name, "value": value, "line": line, "evidence": rung}
            for name, value, line, rung in zip(names, values, lines, evidence)
        ),
    )


def _picked(table: Sequence[T], numbers: Iterable[int]) -> Iterable[T]:
    return map(table.__getitem__, numbers)


def _of_type(kind: type[T], values: Sequence[T]) -> Sequence[T]:
    """The values, all of which must be of that very type. Raises `TypeError`."""
    if set(map(type, values)) - {kind}:
        raise TypeError(f"not all values are of type {kind.__name__}")
    return values


class _Table:
    """Distinct strings, each with its number."""

    def __init__(self) -> None:
        self._numbers: defaultdict[str, int] = defaultdict(count().__next__)

    @property
    def values(self) -> list[str]:
        """The strings in order of number."""
        return list(self._numbers)

    def add(self, values: Iterable[str]) -> list[int]:
        """The numbers of some strings; new ones for those not met before."""
        return list(map(self._numbers.__getitem__, values))

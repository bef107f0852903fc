"""What each file tells the others of its own facts."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from harnessfix_ir.source.facts import Draft, FileFacts
from harnessfix_ir.source.modules import import_names
from harnessfix_ir.source.places import is_import, numbered
from harnessfix_ir.vocabulary import ElementRole

from .exchange import Told
from .program import Class, Function, Signature
from .tables import (
    ANSWERS,
    APPROVAL,
    BELOW,
    CLASS,
    CUT,
    DECLARED,
    FILE,
    FUNCTION,
    HOOK,
    IMPORT,
    IMPORTED,
    KEY_USE,
    KEYWORDS,
    MAPPING,
    MODEL,
    MODULE,
    MOVES,
    NAMED,
    OWN_TOOL,
    PARAMETER,
    RENDER,
    SECTION_USE,
    SETTINGS_FILE,
    SIGNATURE,
    STARTS,
    TOOL,
    VALUE,
    WORKS,
)

AWAITED = ".acall"
"""What DSPy calls a module by to await it: `await self.react.acall(…)` for `self.react(…)`."""

WORKING = (ElementRole.TOOL, ElementRole.PARSER, ElementRole.CONTEXT_BUILDER, ElementRole.TOOL_REGISTRY)
_CUT_FACTS = ("keeps", "marker", "limit-value", "unit")


def exports(facts: FileFacts) -> Told:
    """All that follows from one file's facts alone."""
    told = Told()
    if facts.module:
        for name in import_names(facts.path, facts.module):
            told.share(MODULE, name, True)
    _code(facts, told)
    _roles(facts.drafts, facts.module.split("."), told)
    _uses(facts.uses, told)
    if facts.language in ("yaml", "toml", "json"):
        told.share(SETTINGS_FILE, "", facts.path.rpartition("/")[2])
    return told


def _code(facts: FileFacts, told: Told) -> None:
    called: dict[str, set[str]] = {}
    for call in facts.calls:
        of = call.callee.removesuffix(AWAITED)
        called.setdefault(call.caller, set()).add(call.callee if of in ("self", "cls") else of)
    asking = {draft.qualname for draft in facts.drafts if draft.role is ElementRole.MODEL_CALL}
    named: dict[str, list[Any]] = {}
    for function in facts.functions:
        name = function.qualname
        calls_params = not called.get(name, set()).isdisjoint(function.params)
        known = Function(function.owner, function.abstract, function.traits, calls_params)
        told.tell(FUNCTION, name, [*known])
        taken = Signature(function.params, function.defaults, function.star_keywords)
        told.tell(SIGNATURE, name, [*taken])
        row = [name, function.owner, function.abstract, name in asking]
        named.setdefault(name.rpartition(".")[2], []).append(row)
    for found in facts.classes:
        known_class = Class(found.bases, found.methods, [*found.fields], found.attributes, found.extra)
        told.tell(CLASS, found.qualname, [*known_class])
        for name in (found.qualname.rpartition(".")[2], *found.attributes):
            named.setdefault(name, [])
    for name, target in facts.imports.items():
        told.tell(IMPORT, name, target)
        if target.rpartition(".")[2] != name:
            named.setdefault(name, [])
    for name, kind in facts.values.items():
        told.tell(VALUE, name, kind)
    for name, rows in named.items():
        told.share(NAMED, name, rows)


def _roles(drafts: Iterable[Draft], own: Collection[str], told: Told) -> None:
    tools: dict[str, list[Any]] = {}
    imported, declared = [], []
    for draft in drafts:
        name = draft.qualname
        if draft.role in WORKING:
            told.tell(WORKS, name, True)
        if draft.role is ElementRole.MODEL_CALL:
            told.tell(MODEL, name, draft.get("in-model-class") is True)
        elif draft.role is ElementRole.TOOL:
            told.tell(TOOL, name, True)
            described = draft.get("described-params") is not None
            tools.setdefault(name, [name, draft.get("tool-name"), draft.get("registered-by"), described])
        elif draft.role is ElementRole.APPROVAL:
            told.tell(APPROVAL, name, True)
        elif draft.role is ElementRole.VERIFIER and draft.get("answers"):
            told.tell(ANSWERS, name, True)
        elif draft.role is ElementRole.TRUNCATION and draft.get("call") is None:
            if name not in told.own.get(CUT, {}):
                told.tell(CUT, name, {fact: value for fact in _CUT_FACTS if (value := draft.get(fact)) is not None})
        elif is_import(draft):
            if draft.name not in own:  # a module of the harness itself, which is no dependency
                imported.append([draft.name, bool(draft.get("optional")), str(draft.get("imported"))])
        elif draft.role is ElementRole.DEPENDENCY:
            declared.append([draft.name, draft.get("declared")])
    for table, rows in ((OWN_TOOL, [*tools.values()]), (IMPORTED, imported), (DECLARED, declared)):
        if rows:
            told.share(table, "", rows)


def _uses(uses: Iterable[list[Any]], told: Told) -> None:
    own: dict[str, dict[str, list[Any]]] = {PARAMETER: {}, KEYWORDS: {}, MAPPING: {}}
    shared: dict[str, dict[str, Any]] = {RENDER: {}, HOOK: {}, KEY_USE: {}}
    below: dict[str, dict[str, int]] = {}
    for place, row in numbered(uses):
        kind = row[0]
        if kind == "render":
            shared[RENDER].setdefault(row[1], []).append([place, row[3]])
        elif kind == "hook":
            shared[HOOK].setdefault(row[1], []).append([row[2], row[4]])
        elif kind == "file":
            told.share(FILE, row[1].replace("\\", "/").rpartition("/")[2], True)
        elif kind == "moves":
            told.share(MOVES, row[1], row[2])
        elif kind == "starts":
            told.share(STARTS, row[1], True)
        elif kind == "param":
            own[PARAMETER].setdefault(parameter(row[7], row[1]), []).append([*row[2:6], place, row[7]])
        elif kind == "kwargs":
            own[KEYWORDS].setdefault(row[4], []).append([*row[:3], place, *row[4:]])
        elif kind == "mapping":
            own[MAPPING].setdefault("", []).extend(row[1])
        elif kind == "config":
            path = row[1]
            shared[KEY_USE].setdefault(key_path(path), []).append([*row[1:5], place, row[6]])
            if path:
                below.setdefault(key_path(path[:-1]), {}).setdefault(path[-1], place)
            if len(path) > 1:
                told.share(SECTION_USE, path[0], True)
    for table, key, value in _filled(own):
        told.tell(table, key, value)
    for table, key, value in _filled({**shared, BELOW: below}):
        told.share(table, key, value)


def _filled(tables: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str, Any]]:
    for table, rows in tables.items():
        for key, value in rows.items():
            yield table, key, value


def key_path(path: Iterable[str]) -> str:
    """The keys on the way to a setting as one text, a JSON pointer (RFC 6901)."""
    return "".join(["/" + key.replace("~", "~0").replace("/", "~1") for key in path])


def parameter(qualname: str, name: str) -> str:
    """A parameter of a function as one text."""
    return f"{qualname}({name})"

"""Tools that several places make: a function here, its registration or schema there."""

from dataclasses import dataclass, field
from typing import Any

from harnessfix_ir.source.facts import Draft, FileFacts
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, Evidence

from .exchange import Exchange, Told
from .program import Key, Program, written
from .registrations import Registration, Schema
from .tables import MADE_TOOL, OWN_TOOL, REGISTERED, SCHEMA, TOOL_CHANGES


@dataclass
class _Tool:
    """What is known of a tool while registrations are joined, and what they change of it.

    `changes` holds `["registered", name, how, line, registrar]`, `["described", parameters, line]` and
    `["named", name]`, in that order.
    """

    key: Key
    name: str
    registered_by: str | None
    described: bool = False
    made: bool = False
    changes: list[list[Any]] = field(default_factory=list)

    def register(self, registration: Registration, registrar: str) -> None:
        self.name, self.registered_by = registration.name, registration.how
        self.changes.append(["registered", registration.name, registration.how, registration.line, registrar])

    def describe(self, schema: Schema) -> None:
        if not self.described:
            self.described = schema.described is not None
            self.changes.append(["described", schema.described, schema.line])


def join_tools(exchange: Exchange, told: Told) -> None:
    """Tell of every tool what registrations and schemas say of it, in whatever file they are."""
    tools = {
        (path, qualname): _Tool((path, qualname), str(name), registered_by, described)
        for path, rows in exchange.everywhere(OWN_TOOL, "")
        for qualname, name, registered_by, described in rows
    }
    registered = exchange.everywhere(REGISTERED, "")
    for kind in (0, 1):  # what stands in a collection comes before what is called in a branch
        for path, kinds in registered:
            for row in kinds[kind]:
                _register(tools, Registration(*row), path)
    _join_schemas(exchange, tools)
    changes: dict[str, list[Any]] = {}
    for (path, qualname), tool in tools.items():
        if tool.changes:
            changes.setdefault(path, []).append([qualname, tool.changes])
        if tool.made:
            told.share(MADE_TOOL, written(tool.key), True)
    for path, rows in changes.items():
        told.share(TOOL_CHANGES, path, rows)


def _register(tools: dict[Key, _Tool], registration: Registration, registrar: str) -> _Tool | None:
    key = (registration.path, registration.qualname)
    tool = tools.get(key)
    if tool is None and registration.real:
        tool = tools[key] = _Tool(key, registration.name, None, made=True)
    if tool is not None and tool.registered_by in (None, "environment"):
        tool.register(registration, registrar)
    return tool


def _join_schemas(exchange: Exchange, tools: dict[Key, _Tool]) -> None:
    """Join schema literals with the functions that bear their names."""
    by_name: dict[str, list[_Tool]] = {}
    for tool in tools.values():
        by_name.setdefault(tool.name, []).append(tool)
    shells: set[str] = set()
    for path, rows in exchange.everywhere(SCHEMA, ""):
        for row in rows:
            schema = Schema(*row)
            if schema.name not in by_name and schema.function is not None:
                registered = _register(tools, Registration(*schema.function), path)
                if registered is not None:
                    by_name[schema.name] = [registered]
            if schema.name not in by_name and schema.of_shell:
                shells.add(schema.name)
            for tool in by_name.get(schema.name, ()):
                tool.describe(schema)
    if len(shells) == 1:
        # One shell is offered and no function bears its name: it is what `execute(command)` of the environments is.
        for tool in tools.values():
            if tool.registered_by == "environment":
                tool.changes.append(["named", next(iter(shells))])


def link_tools(program: Program, facts: FileFacts) -> None:
    """Add `tool` elements for the functions of a file that are registered, and what schemas describe."""
    own: dict[str, Draft] = {}
    for draft in facts.drafts:
        if draft.role is ElementRole.TOOL:
            own.setdefault(draft.qualname, draft)
    for _, rows in program.exchange.everywhere(TOOL_CHANGES, facts.path):
        for qualname, changes in rows:
            for kind, *values in changes:
                if kind == "registered" and qualname not in own:
                    own[qualname] = _make(program, facts, qualname, *values)
                elif kind == "registered":
                    name, how, line, _ = values
                    own[qualname].replace("registered-by", how)
                    own[qualname].replace("registered-at", line)
                    own[qualname].replace("tool-name", name)
                    own[qualname].name = name
                elif kind == "described":
                    own[qualname].add("described-params", values[0], values[1], Evidence.DERIVED)
                else:
                    own[qualname].replace("tool-name", values[0])


def _make(program: Program, facts: FileFacts, qualname: str, name: str, how: str, line: int, registrar: str) -> Draft:
    function, signature = program.function((facts.path, qualname)), program.signature((facts.path, qualname))
    base = [d for d in facts.drafts if d.role is ElementRole.FUNCTION and d.qualname == qualname][-1]
    assert function is not None
    assert signature is not None
    draft = Draft(ElementRole.TOOL, name, qualname, base.start, base.end, AnchorKind.FUNCTION)
    draft.add("tool-name", name).add("registered-by", how, 0, Evidence.DERIVED)
    draft.add("registered-at", line)
    draft.note("registered-in", registrar if registrar != facts.path else "")
    draft.add("params", [p for p in signature.params if p not in ("self", "cls")])
    reason = next((t.removeprefix("harm:") for t in function.traits if t.startswith("harm:")), "")
    draft.note("destructive", reason)
    facts.drafts.append(draft)
    return draft


def is_made_tool(program: Program, key: Key) -> bool:
    """Whether a function is a tool because something registers it."""
    return bool(program.exchange.everywhere(MADE_TOOL, written(key)))

"""Tools that several places make: a function here, its registration or schema there."""

import re
from collections.abc import Iterator

from harnessfix_ir.source.facts import Draft, FileFacts
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, Evidence

from .program import Key, Program

_MARKS = re.compile(
    r"^(tool|do|run|handle|execute|exec|cmd|action|call|perform|on)_|_(tool|action|command|impl|handler)$"
)
_COMMANDS = {"command", "cmd", "commands", "script", "bash_command", "shell_command"}
_RUN = ("forward", "run", "execute", "__call__", "call", "invoke", "_run")


def link_tools(program: Program) -> None:
    """Add `tool` elements for registered functions, and what their schemas describe."""
    tools: dict[Key, Draft] = {}
    for facts, draft in program.drafts(ElementRole.TOOL):
        tools.setdefault((facts.path, draft.qualname), draft)
    for facts, registry in list(program.drafts(ElementRole.TOOL_REGISTRY)):
        members = registry.get("members")
        if isinstance(members, list):
            kind = str(registry.get("collection"))
            for member in members:
                assert isinstance(member, list)
                key = _target(program, str(member[1]), facts.path, registry.qualname)
                if key is not None:
                    _register(program, tools, key, str(member[0]), kind, registry.start, facts.path)
        prefix = registry.get("prefix")
        if isinstance(prefix, str):
            for key in _prefixed(program, facts, registry.qualname, prefix):
                name = key[1].rpartition(".")[2].removeprefix(prefix)
                _register(program, tools, key, name, "dispatch", registry.start, facts.path)
    for facts in program.files.values():
        _branches(program, facts, tools)
    _schemas(program, tools)


def _target(program: Program, name: str, path: str, qualname: str) -> Key | None:
    """The function behind a member of a registry: a function, a method, or the run method of a tool class."""
    made = name.endswith("()")
    name = name.removesuffix("()")
    if name.startswith("self."):
        owner = program.owner_of(path, qualname)
        held, _, method = name.removeprefix("self.").rpartition(".")
        if owner is not None and held:
            owner = program.attribute_type(owner, held)
        return program.method(owner, method) if owner else None
    instance, _, method = name.rpartition("().")
    if instance:
        return program.method(program.find(instance, path), method)
    key = program.find(name, path)
    if key is None:
        local = (path, f"{qualname}.{name}")
        return local if local in program.functions else None
    if key in program.classes:
        methods = [m for verb in _RUN if (m := program.method(key, verb)) and not program.functions[m].abstract]
        return methods[0] if methods else None
    return None if made else key


def _register(
    program: Program, tools: dict[Key, Draft], key: Key, name: str, how: str, line: int, registrar: str
) -> None:
    if key in tools:
        draft = tools[key]
        if draft.get("registered-by") in (None, "environment"):
            draft.replace("registered-by", how)
            draft.replace("registered-at", line)
            draft.replace("tool-name", name)
            draft.name = name
        return
    function = program.functions[key]
    facts = program.files[key[0]]
    base = program.function_drafts.get(key)
    if base is None or function.abstract:
        return
    draft = Draft(ElementRole.TOOL, name, key[1], base.start, base.end, AnchorKind.FUNCTION)
    draft.add("tool-name", name).add("registered-by", how, 0, Evidence.DERIVED)
    draft.add("registered-at", line)
    draft.note("registered-in", registrar if registrar != key[0] else "")
    draft.add("params", [p for p in function.params if p not in ("self", "cls")])
    reason = next((t.removeprefix("harm:") for t in function.traits if t.startswith("harm:")), "")
    draft.note("destructive", reason)
    facts.drafts.append(draft)
    tools[key] = draft


def _prefixed(program: Program, facts: FileFacts, qualname: str, prefix: str) -> Iterator[Key]:
    owner = program.owner_of(facts.path, qualname)
    if owner is None:
        return
    for path, name in dict.fromkeys([*program.ancestors(owner), *program.descendants(owner)]):
        for method in program.classes[(path, name)].methods:
            if method.startswith(prefix) and f"{name}.{method}" != qualname:
                yield path, f"{name}.{method}"


def _bare(name: str) -> str:
    """A function's name without what marks it as the one behind a tool."""
    bare = name.rpartition(".")[2].strip("_")
    return _MARKS.sub("", bare).lower() or bare.lower()


def _branches(program: Program, facts: FileFacts, tools: dict[Key, Draft]) -> None:
    """`if name == "read": return read_file(**args)`, when at least two such branches stand in one function."""
    rows: dict[str, list[tuple[str, str, int]]] = {}
    for use in facts.uses:
        if use[0] == "branch":
            rows.setdefault(use[4], []).append((use[1], use[2], use[3]))
    for qualname, branches in rows.items():
        named = [
            (name, key, line)
            for name, callee, line in branches
            if _bare(callee) == _bare(name) and (key := _target(program, callee, facts.path, qualname))
        ]
        if "tool" not in qualname.lower() and len({name for name, _, _ in named}) < 2:
            continue
        seen: set[str] = set()
        for name, key, line in named:
            if name not in seen:
                seen.add(name)
                _register(program, tools, key, name, "dispatch", line, facts.path)


def _schemas(program: Program, tools: dict[Key, Draft]) -> None:
    """Join schema literals with the functions that bear their names."""
    by_name: dict[str, list[Draft]] = {}
    for draft in tools.values():
        by_name.setdefault(str(draft.get("tool-name")), []).append(draft)
    shells: set[str] = set()
    for facts, schema in list(program.drafts(ElementRole.TOOL_REGISTRY)):
        if not schema.get("schema"):
            continue
        name = schema.name
        if name not in by_name:
            key = _named(program, name, facts.path)
            if key is not None:
                _register(program, tools, key, name, "schema", schema.start, facts.path)
                if key in tools:
                    by_name[name] = [tools[key]]
        if name not in by_name and _of_shell(schema):
            shells.add(name)
        for draft in by_name.get(name, ()):
            if draft.get("described-params") is None:
                described = schema.get("described-params")
                draft.add("described-params", described, schema.start if facts.path else 0, Evidence.DERIVED)

    if len(shells) == 1:
        # One shell is offered and no function bears its name: it is what `execute(command)` of the environments is.
        for draft in tools.values():
            if draft.get("registered-by") == "environment":
                draft.replace("tool-name", next(iter(shells)))


def _of_shell(schema: Draft) -> bool:
    """Whether a declared tool takes a command and little else."""
    described = schema.get("described-params")
    return isinstance(described, list) and bool(_COMMANDS & {str(name) for name in described}) and len(described) <= 3


def _named(program: Program, name: str, path: str) -> Key | None:
    """The function with a schema's name: in the same file, else the only one of the harness."""
    if (path, name) in program.functions:
        return (path, name)
    found = [key for key in program.by_name.get(name, ()) if not program.functions[key].abstract]
    here = [key for key in found if key[0] == path]
    if len(here) == 1:
        return here[0]
    return found[0] if len(found) == 1 else None

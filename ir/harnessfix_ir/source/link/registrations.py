"""Tools that a file registers or declares: what it tells of functions here and elsewhere."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from harnessfix_ir.source.facts import Draft, FileFacts
from harnessfix_ir.vocabulary import ElementRole

from .exchange import Told
from .program import Key, Program
from .tables import REGISTERED, SCHEMA

_MARKS = re.compile(
    r"^(tool|do|run|handle|execute|exec|cmd|action|call|perform|on)_|_(tool|action|command|impl|handler)$"
)
_COMMANDS = {"command", "cmd", "commands", "script", "bash_command", "shell_command"}
_RUN = ("forward", "run", "execute", "__call__", "call", "invoke", "_run")


class Registration(NamedTuple):
    """A function that is registered as a tool.

    Args:
        path, qualname: of the function.
        name: under which it is registered.
        how: by a collection of which kind, by `dispatch` or by a `schema`.
        line: where.
        real: whether the function does something itself, which a stub does not.
    """

    path: str
    qualname: str
    name: str
    how: str
    line: int
    real: bool


class Schema(NamedTuple):
    """A declaration of a tool: its name, where it is, the parameters described, and the function of that name."""

    name: str
    line: int
    described: object
    of_shell: bool
    function: Registration | None


def tell_tools(program: Program, facts: FileFacts, told: Told) -> None:
    """Tell which functions a file registers as tools, in collections and in branches, and which tools it declares."""
    registries = [draft for draft in facts.drafts if draft.role is ElementRole.TOOL_REGISTRY]
    found = [[*_members(program, facts, registries)], [*_branches(program, facts)]]
    if any(found):
        told.share(REGISTERED, "", found)
    schemas = [_schema(program, facts.path, draft) for draft in registries if draft.get("schema")]
    if schemas:
        told.share(SCHEMA, "", schemas)


def _registration(program: Program, key: Key, name: str, how: str, line: int) -> Registration:
    return Registration(*key, name, how, line, _is_real(program, key))


def _is_real(program: Program, key: Key) -> bool:
    function = program.function(key)
    return function is not None and not function.abstract


def _members(program: Program, facts: FileFacts, registries: list[Draft]) -> Iterator[Registration]:
    """What is put into collections of tools, and methods that are found by the beginning of their names."""
    for registry in registries:
        members = registry.get("members")
        if isinstance(members, list):
            kind = str(registry.get("collection"))
            for member in members:
                assert isinstance(member, list)
                key = _target(program, str(member[1]), facts.path, registry.qualname)
                if key is not None:
                    yield _registration(program, key, str(member[0]), kind, registry.start)
        prefix = registry.get("prefix")
        if isinstance(prefix, str):
            for key in _prefixed(program, facts, registry.qualname, prefix):
                name = key[1].rpartition(".")[2].removeprefix(prefix)
                yield _registration(program, key, name, "dispatch", registry.start)


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
        return local if program.is_function(local) else None
    if program.is_class(key):
        return next((m for verb in _RUN if (m := program.method(key, verb)) and _is_real(program, m)), None)
    return None if made else key


def _prefixed(program: Program, facts: FileFacts, qualname: str, prefix: str) -> Iterator[Key]:
    owner = program.owner_of(facts.path, qualname)
    if owner is None:
        return
    for path, name in dict.fromkeys([*program.ancestors(owner), *program.descendants(owner)]):
        known = program.class_((path, name))
        for method in known.methods if known else ():
            if method.startswith(prefix) and f"{name}.{method}" != qualname:
                yield path, f"{name}.{method}"


def _bare(name: str) -> str:
    """A function's name without what marks it as the one behind a tool."""
    bare = name.rpartition(".")[2].strip("_")
    return _MARKS.sub("", bare).lower() or bare.lower()


def _branches(program: Program, facts: FileFacts) -> Iterator[Registration]:
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
                yield _registration(program, key, name, "dispatch", line)


def _schema(program: Program, path: str, draft: Draft) -> Schema:
    key = _named(program, draft.name, path)
    function = None if key is None else _registration(program, key, draft.name, "schema", draft.start)
    return Schema(draft.name, draft.start, draft.get("described-params"), _of_shell(draft), function)


def _of_shell(schema: Draft) -> bool:
    """Whether a declared tool takes a command and little else."""
    described = schema.get("described-params")
    return isinstance(described, list) and bool(_COMMANDS & {str(name) for name in described}) and len(described) <= 3


def _named(program: Program, name: str, path: str) -> Key | None:
    """The function with a schema's name: in the same file, else the only one of the harness."""
    if program.is_function((path, name)):
        return (path, name)
    found = program.functions_named(name)
    here = [key for key in found if key[0] == path]
    if len(here) == 1:
        return here[0]
    return found[0] if len(found) == 1 else None

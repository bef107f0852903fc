"""Counters of turns, calls and tries: where they begin, what moves them, and which never move."""

import ast
import re

from .expressions import text_of
from .nodes import spelled
from .scopes import FileContext, Scope, targets_of

_TURNS = re.compile(r"(^|_)(turns?|steps?|rounds?|iterations?|calls|requests|attempts?|retries|tries)(_|$)")
_NUMBERED = re.compile(r"(^|_)(max|min|limit|per|last|next|total|id)(_|$)")


def counts_turns(name: str) -> bool:
    """Whether a plain name is one of a count of turns, calls or tries."""
    return _TURNS.search(name) is not None and not _NUMBERED.search(name)


def may_stand_still(counter: ast.expr, scope: Scope) -> str:
    """The plain name of a counter of turns that its own function never moves; empty for one that it moves, or for none.

    Of an attribute nothing is known here: any function of any file may move it.
    """
    name = _name(counter)
    if not counts_turns(name) or (isinstance(counter, ast.Name) and not _is_still(counter.id, scope)):
        return ""
    return name


def started_attributes(file: FileContext) -> set[str]:
    """Counters that begin at a number: attributes of objects, and fields of classes."""
    return {
        name
        for scope in file.scopes
        for node in scope.assignments
        for target in targets_of(node)
        if counts_turns(name := _name(target))
        and (isinstance(target, ast.Attribute) or scope.is_class)
        and _is_number(node.value)
    }


def moved_attributes(file: FileContext) -> dict[str, set[str]]:
    """Counters that some statement gives another value than a number or what a counter of that name holds.

    What is handed from one object to another under one name moves nowhere on the way. A keyword counts, since it makes
    an object that has the value.

    Returns:
        By name, the classes that move it in themselves; the empty name where it is moved in another object.
    """
    found: dict[str, set[str]] = {}
    for scope, node in file.all(ast.Attribute):
        if isinstance(node.ctx, ast.Store) and counts_turns(node.attr):
            around = file.parents.get(node)
            value = around.value if isinstance(around, (ast.Assign, ast.AnnAssign, ast.AugAssign)) else None
            begins = _is_number(value) and not isinstance(around, ast.AugAssign)
            if value is None or not (begins or _same(value, node.attr)):
                found.setdefault(node.attr, set()).add(_class_of(node, scope))
    for _, given in file.all(ast.keyword):
        begins = isinstance(given.value, ast.Constant) and not given.value.value
        if given.arg and counts_turns(given.arg) and not begins and not _same(given.value, given.arg):
            found.setdefault(given.arg, set()).add("")
    return found


def _class_of(attribute: ast.Attribute, scope: Scope) -> str:
    own = isinstance(attribute.value, ast.Name) and attribute.value.id == "self" and scope.owner is not None
    return scope.owner.qualname if own and scope.owner is not None else ""


def _is_still(name: str, scope: Scope) -> bool:
    """Whether a function gives a local name one number alone, and nothing inside it reaches for that name."""
    if not scope.is_function or name in scope.params or name not in scope.bindings:
        return False
    reached: list[ast.Nonlocal | ast.Global] = [*scope.deep(ast.Nonlocal), *scope.deep(ast.Global)]
    if any(name in node.names for node in reached):
        return False
    stored = sum(1 for node in scope.of(ast.Name) if node.id == name and isinstance(node.ctx, ast.Store))
    values = scope.bindings[name]
    numbers = [spelled(value) for value in values if _is_number(value)]
    handed = [value for value in values if _same(value, name)]
    return len({*numbers}) == 1 and stored == len(values) == len(numbers) + len(handed)


def _name(node: ast.AST | None) -> str:
    """The last part of a name; empty for what is none."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _same(value: ast.expr, name: str) -> bool:
    """Whether a value is what something of that name holds, be it a private one or a key of a record."""
    said = _name(value)
    if isinstance(value, ast.Subscript):
        said = text_of(value.slice) or ""
    elif isinstance(value, ast.Call) and _name(value.func) in ("get", "getattr"):
        said = next((text for given in value.args if (text := text_of(given))), "")
    return said.lstrip("_") == name.lstrip("_")


def _is_number(value: ast.expr | None) -> bool:
    """Whether a value is a number as it is written, also as the default of a field."""
    if isinstance(value, ast.Call) and _name(value.func) in ("field", "Field"):
        return any(given.arg == "default" and _is_number(given.value) for given in value.keywords)
    return isinstance(value, ast.Constant) and type(value.value) is int

"""Syntax trees that are read often: the nodes below one, found once."""

import ast
from collections.abc import Iterable
from typing import Any

from .words import words

_PLAIN = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)
WALKED = frozenset(
    kind
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST) and not issubclass(kind, _PLAIN)
)
"""Kinds of nodes that say something by themselves: all but contexts and operators."""
CHILDREN, BELOW, SPELLED = "harnessfix children", "harnessfix below", "harnessfix spelled"
"""What a node's own dictionary keeps beside its fields; a tree lives no longer than the reading of its file."""


_HOLD_NO_NODES = words("arg asname attr conversion ctx id is_async kind level module op ops type_comment")
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {}
_NONE: list[ast.AST] = []  # most nodes are names and constants, and share it; nobody changes what is found


def _fields_of(kind: type[ast.AST]) -> tuple[str, ...]:
    """The fields of a kind of node that may hold nodes worth a look."""
    return () if kind is ast.Constant else tuple(name for name in kind._fields if name not in _HOLD_NO_NODES)


def children(node: ast.AST) -> list[ast.AST]:
    """Nodes right below a node, contexts and operators left out."""
    fields = _FIELDS.get(node.__class__)
    if fields is None:
        fields = _FIELDS[node.__class__] = _fields_of(node.__class__)
    if not fields:
        return _NONE
    found: list[ast.AST] | None = node.__dict__.get(CHILDREN)
    if found is None:
        found = []
        for name in fields:
            value: Any = getattr(node, name, None)
            if value.__class__ is list:
                found += [item for item in value if item.__class__ in WALKED]
            elif value.__class__ in WALKED:
                found.append(value)
        node.__dict__[CHILDREN] = found
    return found


def walk(node: ast.AST) -> Iterable[ast.AST]:
    """As `ast.walk` (the node itself, then level by level), contexts and operators left out."""
    found = [node]
    for each in found:
        found += children(each)
    return found


_OPENS_SCOPE = frozenset((ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda))


def below(node: ast.AST) -> list[ast.AST]:
    """All nodes below one, in order of source, without the insides of functions and classes; kept for statements."""
    found: list[ast.AST] | None = node.__dict__.get(BELOW)
    if found is None:
        found = node.__dict__[BELOW] = []
        pending = [] if node.__class__ in _OPENS_SCOPE else children(node)[::-1]
        while pending:
            inner = pending.pop()
            found.append(inner)
            if inner.__class__ not in _OPENS_SCOPE:
                pending += children(inner)[::-1]
    return found


def spelled(node: ast.AST) -> str:
    """A text that is equal for nodes that say the same (`ast.dump`)."""
    said: str | None = node.__dict__.get(SPELLED)
    if said is None:
        said = node.__dict__[SPELLED] = ast.dump(node)
    return said

"""What functions speak of: the names in their code, with the lines where they stand."""

import ast
from collections.abc import Iterable
from typing import Any

from harnessfix_ir.document import JsonValue
from harnessfix_ir.names import speaks
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.scopes import Scope

MOST = 400


def names_of(scope: Scope) -> dict[str, JsonValue]:
    """Names that a scope reads, sets, hands over or writes as text, those that every program has left out.

    Args:
        scope: a function; what is nested in it speaks for itself.

    Returns:
        Name to the lines where it stands, in order.
    """
    return _filed(node for kind in _SAYS for node in scope.of(kind))


def asked_of(scope: Scope) -> dict[str, JsonValue]:
    """The same of the conditions in a scope: what it decides by."""
    return _filed(node for test in scope.tests for node in walk(test))


_SAYS: dict[type[ast.AST], str] = {
    ast.Attribute: "attr",
    ast.Name: "id",
    ast.keyword: "arg",
    ast.arg: "arg",
    ast.Constant: "value",
}
"""Kinds of nodes that say a name, and where they have it."""


def _filed(nodes: Iterable[Any]) -> dict[str, JsonValue]:
    lines: dict[str, set[int]] = {}
    for node in nodes:
        name = getattr(node, _SAYS.get(node.__class__, ""), None)
        if name in lines:
            lines[name].add(node.lineno)
        elif isinstance(name, str) and name.isidentifier() and len(lines) < MOST and speaks(name):
            lines[name] = {node.lineno}
    return {name: [*sorted(at)] for name, at in sorted(lines.items())}

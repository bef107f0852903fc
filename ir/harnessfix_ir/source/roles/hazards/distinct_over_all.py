"""A share whose upper part counts what differs and whose lower part counts all, repeated ones too."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_OF_SETS = frozenset({"intersection", "union", "difference", "symmetric_difference"})


class DistinctOverAll(Role):
    """`wanted = {d.text for d in truths}`, `found = wanted & got`, then `len(found) / len(truths)`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            shares = [node for node in scope.of(ast.BinOp) if isinstance(node.op, ast.Div)]
            counted = [(node, _counted(node.left), _counted(node.right)) for node in shares]
            if not any(above and below for _, above, below in counted):
                continue
            made = _sets(scope)
            for node, above, below in counted:
                if above in made and below not in made and below in made[above]:
                    yield hazard("distinct-over-all", scope, node).add("above", above).add("below", below)


def _counted(value: ast.expr) -> str:
    """The plain name whose length a value is; empty for anything else."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "len" and value.args:
        return value.args[0].id if isinstance(value.args[0], ast.Name) else ""
    return ""


def _sets(scope: Scope) -> dict[str, set[str]]:
    """Names of sets made here, each with the names that its items come from."""
    found: dict[str, set[str]] = {}
    for name, values in scope.bindings.items():
        if len(values) == 1 and _is_set(values[0], found, scope):
            found[name] = _sources(values[0], found)
    return found


def _is_set(value: ast.expr, known: dict[str, set[str]], scope: Scope) -> bool:
    if isinstance(value, ast.SetComp):
        return True
    if isinstance(value, ast.BinOp) and isinstance(value.op, (ast.BitAnd, ast.BitOr, ast.Sub)):
        return _is_set(value.left, known, scope) and _is_set(value.right, known, scope)
    if isinstance(value, ast.Call):
        of = value.func.value if isinstance(value.func, ast.Attribute) and value.func.attr in _OF_SETS else None
        return dotted(value.func, scope) in ("set", "frozenset") or (of is not None and _is_set(of, known, scope))
    return isinstance(value, ast.Name) and value.id in known


def _sources(value: ast.expr, known: dict[str, set[str]]) -> set[str]:
    named = {node.id for node in walk(value) if isinstance(node, ast.Name)}
    return named.union(*(known[name] for name in named & known.keys()))

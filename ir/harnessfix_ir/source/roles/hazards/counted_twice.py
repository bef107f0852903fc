"""A counter that moves in a method and again in the method that calls it."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard
from .signatures import function_called

_BRANCHES = (ast.If, ast.ExceptHandler, ast.While, ast.For, ast.AsyncFor, ast.IfExp, ast.Match)


class CountedTwice(Role):
    """`self.calls += 1` beside `self.query(…)`, which says `self.calls += 1` as well."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            if scope.owner is None:
                continue
            for moved in scope.of(ast.AugAssign):
                name = _counter(moved, scope)
                if not name:
                    continue
                for call in scope.of(ast.Call):
                    called = function_called(call, scope, file)
                    if called is None or called is scope or called.owner is not scope.owner:
                        continue
                    again = next((m for m in called.of(ast.AugAssign) if _counter(m, called) == name), None)
                    if again is not None and _always(again, file) and _together(moved, call, file):
                        draft = hazard("counted-twice", scope, moved).add("counter", name)
                        yield draft.add("again-in", called.qualname).add("again-at", again.lineno)
                        break


def _counter(moved: ast.AugAssign, scope: Scope) -> str:
    one = isinstance(moved.value, ast.Constant) and moved.value.value == 1
    name = dotted(moved.target, scope)
    return name if one and isinstance(moved.op, ast.Add) and name.startswith("self.") and "[]" not in name else ""


def _always(node: ast.AST, file: FileContext) -> bool:
    """Whether the statement is on every way through its function."""
    return not any(isinstance(around, _BRANCHES) for around in file.ancestors(node))


def _together(moved: ast.AST, call: ast.AST, file: FileContext) -> bool:
    """Whether the way that moves the counter also makes the call: the call stands in the counter's block, or below."""
    block = file.parents.get(moved)
    inner: ast.AST = call
    for around in file.ancestors(call):
        if around is block:
            break
        if isinstance(around, _BRANCHES):
            return False
        inner = around
    return any(moved in part and inner in part for part in _parts(block))


def _parts(block: ast.AST | None) -> list[list[ast.AST]]:
    return [part for name in ("body", "orelse", "finalbody") if isinstance(part := getattr(block, name, None), list)]

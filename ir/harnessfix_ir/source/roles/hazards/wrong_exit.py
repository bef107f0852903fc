"""A context manager entered by hand, of which the entered value and not the manager is asked to exit."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, targets_of

from .base import hazard, targets_in

_ENTER, _EXIT = ("__enter__", "__aenter__"), ("__exit__", "__aexit__")


class WrongExit(Role):
    """`value = manager.__enter__()` … `value.__exit__(…)`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            exits = [call for call in scope.of(ast.Call) if _method(call) in _EXIT]
            if not exits:
                continue
            entered = _entered(scope, file)
            for call in exits:
                receiver = call.func.value if isinstance(call.func, ast.Attribute) else call
                if file.segment(receiver) in entered:
                    yield hazard("wrong-exit", scope, call).add("receiver", file.segment(receiver))


def _method(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _entered(scope: Scope, file: FileContext) -> set[str]:
    """Sources of what holds the result of an enter: assigned, kept in a list, taken out of it again."""
    held: set[str] = set()
    for node in scope.assignments:
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(value, ast.Call) and _method(value) in _ENTER:
            manager = file.segment(value.func.value) if isinstance(value.func, ast.Attribute) else ""
            held.update(text for target in targets_of(node) if (text := file.segment(target)) != manager)
    lists = {
        file.segment(call.func.value)
        for call in scope.of(ast.Call)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in ("append", "push")
        and call.args
        and file.segment(call.args[0]) in held
    }
    for loop in scope.for_loops:
        if any(isinstance(n, ast.Name) and n.id in lists for n in walk(loop.iter)):
            held.update(name.id for name in targets_in(loop.target))
    return held

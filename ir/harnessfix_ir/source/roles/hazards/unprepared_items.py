"""The same work on each item of a list in two functions side by side, of which only one prepares the items first."""

import ast
from collections import defaultdict
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import spelled
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_Made = tuple[Scope, ast.ListComp, str]


class UnpreparedItems(Role):
    """`[Send("tools", [call]) for call in calls]`, beside `calls = [inject(call) for call in …]` in a sibling."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        alike: dict[tuple[int, str], list[_Made]] = defaultdict(list)
        for scope in file.functions:
            for made in scope.of(ast.ListComp):
                turn = made.generators[0]
                if len(made.generators) == 1 and isinstance(turn.iter, ast.Name) and isinstance(made.elt, ast.Call):
                    work = f"{spelled(made.elt)} {spelled(turn.target)}"
                    alike[id(scope.parent), work].append((scope, made, turn.iter.id))
        for group in alike.values():
            prepared = [(scope, *ready) for scope, _, name in group if (ready := _preparation(name, scope))]
            for scope, made, name in group:
                if prepared and scope.parent is not None and not _prepares(name, scope) and _binds(name, scope):
                    twin, step, line = prepared[0]
                    draft = hazard("unprepared-items", scope, made).add("lacks", step)
                    yield draft.add("twin", twin.name).add("has-at", line)


def _preparation(name: str, scope: Scope) -> tuple[str, int] | None:
    """What makes each item of a list ready, and at which line: the function called on it."""
    for value in scope.bindings.get(name, ()):
        if isinstance(value, ast.ListComp) and len(value.generators) == 1 and isinstance(value.elt, ast.Call):
            target = value.generators[0].target
            given = [arg.id for arg in value.elt.args if isinstance(arg, ast.Name)]
            if isinstance(target, ast.Name) and target.id in given:
                return last(callee(value.elt, scope)), value.lineno
    return None


def _prepares(name: str, scope: Scope) -> bool:
    """Whether a list is made of anything but the items as they are."""
    return any(
        not (isinstance(value, ast.ListComp) and isinstance(value.elt, ast.Name)) and not _plain(value)
        for value in scope.bindings.get(name, ())
    )


def _plain(value: ast.expr) -> bool:
    return isinstance(value, (ast.Name, ast.Attribute, ast.Subscript))


def _binds(name: str, scope: Scope) -> bool:
    return bool(scope.bindings.get(name)) or name in scope.params

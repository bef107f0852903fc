"""A search backwards that goes on after what it was for: in the end it holds the first such thing, not the last."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, dotted, inside, names_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, targets_of

from .base import hazard, read_behind

_LEAVES = (ast.Break, ast.Return, ast.Raise, ast.Continue)
_Loop = ast.For | ast.AsyncFor


class SearchedPast(Role):
    """`for message in reversed(messages): if message.role == "assistant": found = message` without a `break`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for loop in scope.for_loops:
                if not _goes_backwards(loop.iter, scope) or any(
                    isinstance(node, ast.Break) for node in inside(loop.body)
                ):
                    continue
                for kept in _kept(loop, scope):
                    draft = hazard("searched-past", scope, kept).add("kept", file.segment(targets_of(kept)[0], 40))
                    yield draft.add("through", file.segment(loop.iter, 60)).add("loop", loop.lineno)


def _goes_backwards(items: ast.expr, scope: Scope) -> bool:
    if isinstance(items, ast.Call):
        return callee(items, scope) == "reversed" and len(items.args) == 1 and not _is_range(items.args[0], scope)
    step = items.slice.step if isinstance(items, ast.Subscript) and isinstance(items.slice, ast.Slice) else None
    return isinstance(step, ast.UnaryOp) and isinstance(step.op, ast.USub)


def _is_range(items: ast.expr, scope: Scope) -> bool:
    """Whether positions are gone through, of which the last that is found may be the one that is wanted."""
    return isinstance(items, ast.Call) and callee(items, scope) in ("range", "enumerate")


def _kept(loop: _Loop, scope: Scope) -> Iterator[ast.Assign | ast.AnnAssign]:
    """Assignments under a condition of the loop of what is made from the item, to what nothing in the loop looks at."""
    item = {*names_in(loop.target)}
    for branch in loop.body:
        if not isinstance(branch, ast.If) or any(isinstance(node, _LEAVES) for node in inside(branch.body)):
            continue
        for node in branch.body:
            if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
                continue
            (target, *more) = targets_of(node)
            plain = isinstance(target, (ast.Name, ast.Attribute)) and not more
            if (
                plain
                and item & set(names_in(node.value))
                and not _looked_at(target, loop, scope)
                and _matters(target, loop, scope)
            ):
                yield node


def _looked_at(target: ast.expr, loop: _Loop, scope: Scope) -> bool:
    """Whether the loop reads what it keeps, as where it keeps the least of all, or stops to when it has one."""
    name = dotted(target, scope)
    return any(
        isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load) and dotted(node, scope) == name
        for statement in loop.body
        for node in walk(statement)
    )


def _matters(target: ast.expr, loop: _Loop, scope: Scope) -> bool:
    """Whether what is kept is an object's own, or read behind the loop."""
    root = target
    while isinstance(root, ast.Attribute):
        root = root.value
    if isinstance(target, ast.Attribute):
        return isinstance(root, ast.Name) and root.id not in {*names_in(loop.target)}
    return isinstance(target, ast.Name) and read_behind(target.id, loop, scope)

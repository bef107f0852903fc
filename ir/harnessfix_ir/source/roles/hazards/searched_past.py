"""A search backwards that goes on after what it was for: in the end it holds the first such thing, not the last."""

import ast
import math
import re
from collections.abc import Iterator, Mapping

from harnessfix_ir.source.expressions import called_name, callee, calls_in, dotted, inside, last, names_in, text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, targets_of

from .base import hazard

_LEAVES = (ast.Return, ast.Raise)
_IN_TURN = re.compile(
    r"(^|_)(messages?|msgs|history|turns|steps|events|replies|responses|outputs|conversation|transcript)$"
)
_SORTS = frozenset(("role", "type", "kind", "source"))
_Loop = ast.For | ast.AsyncFor


class SearchedPast(Role):
    """`for message in reversed(messages): if message.role == "assistant": found = message` without a `break`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            read: dict[str, float] | None = None
            for loop in scope.for_loops:
                if not _of_conversation(loop.iter, scope) or any(
                    isinstance(node, ast.Break) for node in inside(loop.body)
                ):
                    continue
                read = _last_reads(scope) if read is None else read
                kept = next(_kept(loop, scope, read), None)
                if kept is not None:
                    draft = hazard("searched-past", scope, kept).add("kept", file.segment(targets_of(kept)[0], 40))
                    yield draft.add("through", file.segment(loop.iter, 60)).add("loop", loop.lineno)


def _of_conversation(items: ast.expr, scope: Scope) -> bool:
    """Whether what is gone through backwards is what was said or done in turn; of layers and bases the first counts."""
    if isinstance(items, ast.Call):
        if callee(items, scope) != "reversed" or len(items.args) != 1:
            return False
        whole = items.args[0]
    else:
        step = items.slice.step if isinstance(items, ast.Subscript) and isinstance(items.slice, ast.Slice) else None
        if not (isinstance(items, ast.Subscript) and isinstance(step, ast.UnaryOp) and isinstance(step.op, ast.USub)):
            return False
        whole = items.value
    return _IN_TURN.search(last(dotted(whole, scope).removesuffix("()"))) is not None


def _asks_kind(test: ast.expr, item: set[str]) -> bool:
    """Whether a test asks what sort of thing an item is: its class, or its role."""
    for node in walk(test):
        if isinstance(node, ast.Call) and called_name(node) == "isinstance" and item & set(names_in(node)):
            return True
        if isinstance(node, ast.Compare) and item & set(names_in(node.left)):
            key = node.left.slice if isinstance(node.left, ast.Subscript) else None
            if (node.left.attr if isinstance(node.left, ast.Attribute) else text_of(key)) in _SORTS:
                return True
    return False


def _last_reads(scope: Scope) -> dict[str, float]:
    """By name, the last line that reads it; no line is behind that of an inner function."""
    found: dict[str, float] = {}
    for name in scope.of(ast.Name):
        if isinstance(name.ctx, ast.Load):
            found[name.id] = max(found.get(name.id, 0), name.lineno)
    return found | {name.id: math.inf for child in scope.children for name in child.deep(ast.Name)}


def _kept(loop: _Loop, scope: Scope, read: Mapping[str, float]) -> Iterator[ast.Assign | ast.AnnAssign]:
    """Assignments under a condition of the loop of what is made from the item, to what nothing in the loop looks at."""
    item, looked_at = {*names_in(loop.target)}, {*_looked_at(loop, scope)}
    for branch in loop.body:
        if (
            not isinstance(branch, ast.If)
            or not _asks_kind(branch.test, item)
            or any(isinstance(node, _LEAVES) for node in inside(branch.body))
        ):
            continue
        for node in branch.body:
            if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
                continue
            (target, *more) = targets_of(node)
            if more or not isinstance(target, (ast.Name, ast.Attribute)) or dotted(target, scope) in looked_at:
                continue
            used = isinstance(target, ast.Attribute) and any(
                call.lineno > (node.end_lineno or node.lineno) for call in calls_in(branch.body)
            )
            if item & set(names_in(node.value)) and _matters(target, loop, read) and not used:
                yield node


def _looked_at(loop: _Loop, scope: Scope) -> Iterator[str]:
    """What the loop reads: what it keeps, too, where it keeps the least of all, or does no more once it has one."""
    for statement in loop.body:
        for node in walk(statement):
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
                yield dotted(node, scope)


def _matters(target: ast.expr, loop: _Loop, read: Mapping[str, float]) -> bool:
    """Whether what is kept is an object's own, or read behind the loop."""
    root = target
    while isinstance(root, ast.Attribute):
        root = root.value
    if isinstance(target, ast.Attribute):
        return isinstance(root, ast.Name) and root.id not in {*names_in(loop.target)}
    return isinstance(target, ast.Name) and read.get(target.id, 0) > (loop.end_lineno or loop.lineno)

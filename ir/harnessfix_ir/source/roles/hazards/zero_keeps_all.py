"""The last `n` of a list by `[-n:]`: with 0 that is all of it."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_POSITIVE = re.compile(r"PositiveInt|\b(gt|ge)\s*=\s*[0-9]|minimum|conint|Ge\(|Gt\(")


class ZeroKeepsAll(Role):
    """`messages[-self.window:]` where nothing rules out a window of 0."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for node in scope.of(ast.Subscript):
                count = _count(node)
                if count is None or not isinstance(node.ctx, ast.Load):
                    continue
                name = dotted(count, scope)
                if name and _is_given(count, scope) and not _is_guarded(last(name).lstrip("_"), scope, file):
                    yield hazard("zero-keeps-all", scope, node).add("count", name).add("of", file.segment(node, 60))


def _count(node: ast.Subscript) -> ast.Name | ast.Attribute | None:
    """`n` of `[-n:]`."""
    part = node.slice
    if not isinstance(part, ast.Slice) or part.upper is not None or part.step is not None:
        return None
    lower = part.lower
    if isinstance(lower, ast.UnaryOp) and isinstance(lower.op, ast.USub):
        operand = lower.operand
        return operand if isinstance(operand, (ast.Name, ast.Attribute)) else None
    return None


def _is_given(count: ast.Name | ast.Attribute, scope: Scope) -> bool:
    """Whether the number is one that somebody sets: a parameter that is not bound again, or an attribute."""
    if isinstance(count, ast.Attribute):
        return not count.attr.isupper()
    return count.id in scope.params and count.id not in scope.bindings


def _is_guarded(name: str, scope: Scope, file: FileContext) -> bool:
    """Whether a test in the function, or a check of the setting anywhere in the file, looks at the number."""
    for test in scope.tests:
        if any(_names(inner, name) for inner in walk(test)):
            return True
    for around, call in file.all(ast.Call):
        if last(dotted(call.func, around)) in ("max", "validator") and any(
            _names(inner, name) for given in call.args for inner in walk(given)
        ):
            return True
    for _, compare in file.all(ast.Compare):
        if any(_names(inner, name) for side in (compare.left, *compare.comparators) for inner in walk(side)):
            return True
    return any(
        isinstance(node.target, ast.Name) and node.target.id == name and _POSITIVE.search(ast.unparse(node)) is not None
        for _, node in file.all(ast.AnnAssign)
    )


def _names(node: ast.AST, name: str) -> bool:
    held = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return held.lstrip("_") == name

"""A parameter may be any sequence, and what is no `list` is taken for a single item."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, all_arguments

from .base import hazard

_WIDE = frozenset(("Sequence", "Iterable", "Collection", "Iterator", "Set", "AbstractSet", "tuple", "Tuple"))
_ONE = (ast.List, ast.Set, ast.Tuple)


class NarrowSequence(Role):
    """`modes: str | Sequence[str]` and `modes if isinstance(modes, list) else [modes]`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            wide = {a.arg for a in all_arguments(scope.function.args) if _names(a.annotation) & _WIDE}
            if not wide:
                continue
            for choice in scope.of(ast.IfExp):
                test, single = _bare(choice.test, choice.body, choice.orelse)
                yield from _said(test, [single], choice, scope, wide)
            for branch in scope.of(ast.If):
                if isinstance(branch.test, ast.UnaryOp) and isinstance(branch.test.op, ast.Not):
                    values = [s.value for s in branch.body if isinstance(s, ast.Assign)]
                    yield from _said(branch.test.operand, values, branch.test, scope, wide)


def _bare(test: ast.expr, body: ast.expr, orelse: ast.expr) -> tuple[ast.expr, ast.expr]:
    """The test without `not`, and what holds where it is false."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand, body
    return test, orelse


def _said(test: ast.expr, wrapped: list[ast.expr], at: ast.expr, scope: Scope, wide: set[str]) -> Iterator[Draft]:
    if not (isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and test.func.id == "isinstance"):
        return
    if len(test.args) != 2 or not isinstance(test.args[0], ast.Name) or test.args[0].id not in wide:
        return
    name, kind = test.args[0].id, test.args[1]
    if not (isinstance(kind, ast.Name) and kind.id == "list"):
        return
    for value in wrapped:
        if isinstance(value, _ONE) and len(value.elts) == 1:
            only = value.elts[0]
            if isinstance(only, ast.Name) and only.id == name:
                yield hazard("narrow-sequence", scope, at).add("name", name)
                return


def _names(annotation: ast.expr | None) -> set[str]:
    """Names in an annotation, outermost parts of `A | B[C]` and of unions; a quoted one is not read."""
    found: set[str] = set()
    pending: list[ast.expr] = [annotation] if annotation is not None else []
    while pending:
        node = pending.pop()
        if isinstance(node, ast.BinOp):
            pending += [node.left, node.right]
        elif isinstance(node, ast.Subscript):
            pending.append(node.value)
            inner = node.slice
            if isinstance(node.value, ast.Name) and node.value.id in ("Optional", "Union"):
                pending += inner.elts if isinstance(inner, ast.Tuple) else [inner]
        elif isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
    return found

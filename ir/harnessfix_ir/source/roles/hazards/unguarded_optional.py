"""A field that is declared as possibly None and used as if it never were."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard


class UnguardedOptional(Role):
    """`tool_calls: list | None = None` and, in a method, `self.tool_calls[0].id`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for owner in file.classes:
            optional = {
                node.target.id
                for node in owner.of(ast.AnnAssign)
                if isinstance(node.target, ast.Name) and _is_none(node.value) and _may_be_none(node.annotation)
            }
            for method in owner.children if optional else ():
                if method.is_function and method.name not in ("__init__", "__post_init__"):
                    yield from _uses(method, optional, file)


def _uses(method: Scope, optional: set[str], file: FileContext) -> Iterator[Draft]:
    looked_at: set[str] | None = None
    for node in method.of(ast.Attribute):
        name = node.attr
        if name not in optional or not (isinstance(node.value, ast.Name) and node.value.id == "self"):
            continue
        around = file.parents.get(node)
        used = (
            isinstance(around, ast.Subscript) and around.value is node and isinstance(around.slice, ast.Constant)
        ) or (isinstance(around, (ast.For, ast.AsyncFor, ast.comprehension)) and around.iter is node)
        if not used or not isinstance(node.ctx, ast.Load):
            continue
        if looked_at is None:
            looked_at = _looked_at(method)
        if name not in looked_at:
            looked_at.add(name)
            yield hazard("unguarded-optional", method, node).add("name", name)


def _looked_at(method: Scope) -> set[str]:
    """Fields that the method tests, sets, or hands to what may."""
    found: set[str] = set()
    for test in [*method.tests, *method.of(ast.BoolOp), *method.of(ast.Compare)]:
        found |= {n.attr for n in ast.walk(test) if isinstance(n, ast.Attribute)}
    for part in method.of(ast.comprehension):
        for test in part.ifs:
            found |= {n.attr for n in ast.walk(test) if isinstance(n, ast.Attribute)}
    found |= {n.attr for n in method.of(ast.Attribute) if isinstance(n.ctx, ast.Store)}
    found |= {n.attr for match in method.of(ast.Match) for n in ast.walk(match.subject) if isinstance(n, ast.Attribute)}
    for call in method.of(ast.Call):
        if dotted(call.func, method).startswith("self."):
            found |= {n.attr for given in call.args for n in ast.walk(given) if isinstance(n, ast.Attribute)}
    return found


def _is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _may_be_none(annotation: ast.expr) -> bool:
    if isinstance(annotation, ast.BinOp):
        return _is_none(annotation.right) or _is_none(annotation.left) or _may_be_none(annotation.left)
    return (
        isinstance(annotation, ast.Subscript)
        and getattr(annotation.value, "id", getattr(annotation.value, "attr", "")) == "Optional"
    )

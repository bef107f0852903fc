"""A text that was put together from others is formatted as a whole: their braces are taken for fields."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import assigned_value
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard


class TextAsTemplate(Role):
    """`(instructions + TEMPLATE).format(tool=tool)`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for call in scope.of(ast.Call):
                func = call.func
                if not isinstance(func, ast.Attribute) or func.attr not in ("format", "format_map"):
                    continue
                if not call.args and not call.keywords:
                    continue
                foreign = _foreign(func.value, scope, 3)
                if foreign is not None:
                    yield hazard("text-as-template", scope, call).add("holds", file.segment(foreign, 60))


def _foreign(value: ast.expr, scope: Scope, depth: int) -> ast.expr | None:
    """A part of the text that is not the author's own wording: none when it is all literal, or a single name."""
    if isinstance(value, ast.Name) and depth:
        found = assigned_value(value.id, scope, value.lineno - 1)
        joined = isinstance(found, (ast.BinOp, ast.JoinedStr))
        return _foreign(found, scope, depth - 1) if joined and found is not None else None
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        parts = [value.left, value.right]
        own = [_foreign(part, scope, depth) for part in parts if isinstance(part, (ast.BinOp, ast.JoinedStr))]
        return next((f for f in own if f is not None), None) or next((p for p in parts if _is_foreign(p, scope)), None)
    if isinstance(value, ast.JoinedStr):
        holes = [part.value for part in value.values if isinstance(part, ast.FormattedValue)]
        return next((hole for hole in holes if _is_foreign(hole, scope)), None)
    return None


def _is_foreign(part: ast.expr, scope: Scope) -> bool:
    """Whether a part comes from outside: a parameter or an attribute that is not named as a template or a constant."""
    if isinstance(part, ast.Name):
        return part.id in scope.params and not _is_template(part.id)
    return isinstance(part, ast.Attribute) and not _is_template(part.attr)


def _is_template(name: str) -> bool:
    return name.isupper() or any(word in name.lower() for word in ("template", "format", "pattern", "fmt"))

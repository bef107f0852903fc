"""Defaults that are laid over what was given explicitly."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard


class DefaultsWin(Role):
    """`{**kwargs, **self.default_kwargs}`: what the caller asked for is overwritten."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for node in scope.of(ast.Dict):
                merged = [v for k, v in zip(node.keys, node.values, strict=True) if k is None]
                yield from _order(merged, node, scope, file)
            for both in scope.of(ast.BinOp):
                if isinstance(both.op, ast.BitOr):
                    yield from _order([both.left, both.right], both, scope, file)
            for call in scope.of(ast.Call):
                func = call.func
                if isinstance(func, ast.Attribute) and func.attr == "update" and len(call.args) == 1:
                    yield from _order([func.value, call.args[0]], call, scope, file)


def _order(merged: list[ast.expr], node: ast.expr, scope: Scope, file: FileContext) -> Iterator[Draft]:
    for at, first in enumerate(merged):
        name = dotted(first, scope)
        if not name or name.startswith("self.") or not isinstance(first, ast.Name) or name not in scope.params:
            continue
        if "default" in name.lower():
            continue
        over = next((d for later in merged[at + 1 :] if "default" in (d := last(dotted(later, scope))).lower()), "")
        if over:
            yield hazard("defaults-win", scope, node).add("given", name).add("defaults", over)
            return

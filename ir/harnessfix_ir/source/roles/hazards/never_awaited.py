"""A coroutine function that is called as a statement: what it should do is never done."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard
from .signatures import function_called


class NeverAwaited(Role):
    """`self.save(reply)` where `save` is an `async def` of the same class."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope, statement in file.all(ast.Expr):
            call = statement.value
            if not isinstance(call, ast.Call):
                continue
            called = function_called(call, scope, file)
            if called is not None and isinstance(called.node, ast.AsyncFunctionDef) and not _yields(called):
                yield hazard("never-awaited", scope, call).add("calls", called.qualname)


def _yields(scope: Scope) -> bool:
    return bool(scope.of(ast.Yield) or scope.of(ast.YieldFrom))

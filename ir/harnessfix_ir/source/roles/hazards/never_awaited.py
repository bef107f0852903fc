"""A coroutine function that is called as a statement: what it should do is never done."""

import ast
import re
from collections import Counter
from collections.abc import Iterator

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard
from .signatures import function_called

_MARKED = re.compile(r"_?a_|_?async_|\w+_async$")


class NeverAwaited(Role):
    """`self.save(reply)` where `save` is an `async def` of the same class; `agent.a_send(reply)` where the file awaits
    every other `a_send`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        awaited, others = _method_calls(file)
        for scope, statement in file.all(ast.Expr):
            call = statement.value
            if not isinstance(call, ast.Call):
                continue
            called = function_called(call, scope, file)
            if called is not None and isinstance(called.node, ast.AsyncFunctionDef) and not _yields(called):
                yield hazard("never-awaited", scope, call).add("calls", called.qualname)
            elif called is None and isinstance(call.func, ast.Attribute) and _MARKED.match(call.func.attr):
                name = call.func.attr
                if awaited[name] and not others[name] and isinstance(scope.node, ast.AsyncFunctionDef):
                    yield (
                        hazard("never-awaited", scope, call).add("calls", name).add("awaited-elsewhere", awaited[name])
                    )


def _method_calls(file: FileContext) -> tuple[Counter[str], Counter[str]]:
    """By method name, how many calls of it are awaited in the file, and how many others are more than a statement.

    Only names that say that they are the asynchronous one of two, since another class may have a plain method of any
    other name.
    """
    awaited: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for _, call in file.all(ast.Call):
        if isinstance(call.func, ast.Attribute) and _MARKED.match(call.func.attr):
            around = file.parents.get(call)
            if isinstance(around, ast.Await):
                awaited[call.func.attr] += 1
            elif not isinstance(around, ast.Expr):
                others[call.func.attr] += 1
    for scope in file.functions:
        if _MARKED.match(scope.name) and not isinstance(scope.node, ast.AsyncFunctionDef):
            others[scope.name] += 1
    return awaited, others


def _yields(scope: Scope) -> bool:
    return bool(scope.of(ast.Yield) or scope.of(ast.YieldFrom))

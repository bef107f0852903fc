"""A task that is started and kept nowhere: it may be collected while it runs, and its failure is never seen."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext

from .base import hazard

_STARTS = ("create_task", "ensure_future")


class DroppedTask(Role):
    """`asyncio.create_task(work())` as a statement."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope, statement in file.all(ast.Expr):
            call = statement.value
            if not isinstance(call, ast.Call) or last(callee(call, scope)) not in _STARTS:
                continue
            owner = callee(call, scope).rpartition(".")[0]
            if owner in ("", "asyncio") or "loop" in owner.lower():  # a task group keeps its own
                yield hazard("dropped-task", scope, call)

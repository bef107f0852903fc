"""Work started side by side where the failure of one leaves the others running: `gather` without anybody to cancel."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, calls_in, is_true, keyword, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard, holds


class AbandonedSiblings(Role):
    """`await asyncio.gather(a, b)`: when `a` fails, `b` goes on with nobody waiting for it."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for call in scope.of(ast.Call):
                gathers = callee(call, scope) in ("asyncio.gather", "gather")
                if not gathers or is_true(keyword(call, "return_exceptions")):
                    continue
                many = len(call.args) > 1 or any(isinstance(given, ast.Starred) for given in call.args)
                if many and isinstance(file.parents.get(call), ast.Await) and not _is_cleaned_up(call, scope):
                    yield hazard("abandoned-siblings", scope, call)


def _is_cleaned_up(call: ast.Call, scope: Scope) -> bool:
    for node in scope.tries:
        if any(holds(part, call) for part in node.body):
            after = [*node.finalbody, *(part for handler in node.handlers for part in handler.body)]
            if any("cancel" in last(callee(inner, scope)).lower() for inner in calls_in(after)):
                return True
    return False

"""`return`, `break` or `continue` in a `finally`: whatever was being raised is gone."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import inside
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext

from .base import LOOPS, hazard, holds


class SwallowingFinally(Role):
    """A jump out of a `finally` clause."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for node in scope.tries:
                for jump in inside(node.finalbody):
                    if isinstance(jump, ast.Return) or (
                        isinstance(jump, (ast.Break, ast.Continue)) and not _has_own_loop(node, jump, file)
                    ):
                        yield hazard("swallowing-finally", scope, jump).add("jump", type(jump).__name__.lower())


def _has_own_loop(node: ast.Try | ast.TryStar, jump: ast.AST, file: FileContext) -> bool:
    return any(
        isinstance(around, LOOPS) and any(holds(part, around) for part in node.finalbody)
        for around in file.ancestors(jump)
    )

"""A loop counts attempts, and no way through its body begins another one."""

import ast
import re
from collections.abc import Iterator, Sequence

from harnessfix_ir.source.expressions import callee, inside, names_in, words_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext

from .base import hazard

_ATTEMPT = re.compile(r"attempt|retr(y|ies)|tries", re.IGNORECASE)
LEAVES = (ast.Raise, ast.Return, ast.Break)


class NeverTriedAgain(Role):
    """`for attempt in range(retries): try: return ask() except Exception: raise`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for loop in scope.for_loops:
                counts = isinstance(loop.iter, ast.Call) and callee(loop.iter, scope) == "range"
                words = [*names_in(loop.target), *words_in(loop.iter)]
                if counts and any(map(_ATTEMPT.search, words)) and _never_goes_round(loop.body):
                    yield hazard("never-tried-again", scope, loop).add("loop", file.segment(loop.iter, 80))


def _never_goes_round(body: Sequence[ast.stmt]) -> bool:
    """Whether every way through a body with a `try` leaves the loop, whatever fails in it."""
    tried = [statement for statement in body if isinstance(statement, ast.Try)]
    if len(tried) != 1 or not tried[0].handlers or any(isinstance(node, ast.Continue) for node in inside([*body])):
        return False
    before = body[: body.index(tried[0])]
    behind = body[body.index(tried[0]) + 1 :]
    if any(not isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Expr)) for statement in before):
        return False
    succeeds = _leaves(tried[0].orelse or tried[0].body) or _leaves(behind)
    return succeeds and all(_leaves(clause.body) for clause in tried[0].handlers)


def _leaves(body: Sequence[ast.stmt]) -> bool:
    """Whether a body ends by leaving, whatever holds; not by a `with`, which may swallow what is raised in it."""
    end = body[-1] if body else None
    if isinstance(end, ast.If):
        return _leaves(end.body) and _leaves(end.orelse)
    return isinstance(end, LEAVES)

"""A lock that is released only where all went well."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, dotted, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_LOCK = re.compile(r"lock|mutex|semaphore|(^|_)sem$", re.IGNORECASE)
_RAISES_NOTHING = frozenset(("acquire", "release", "len", "append", "time", "monotonic", "debug", "info"))


class UnreleasedLock(Role):
    """`lock.acquire()`, work, `lock.release()`: what raises or returns in between leaves it held for ever.

    A lock that is released elsewhere alone is handed over on purpose.
    """

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            released = _calls(scope, "release")
            for owner, takes in _calls(scope, "acquire").items() if released else ():
                gives = [call for call in released.get(owner, ()) if call.lineno > takes[0].lineno]
                if not gives or any(_on_failure(call, file) for call in gives):
                    continue
                if _may_leave(takes[0].lineno, gives[-1].lineno, scope):
                    yield hazard("unreleased-lock", scope, takes[0]).add("name", owner)


def _calls(scope: Scope, method: str) -> dict[str, list[ast.Call]]:
    """Calls of that method of a lock, by what the lock is called."""
    found: dict[str, list[ast.Call]] = {}
    for call in scope.of(ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr == method:
            owner = dotted(call.func.value, scope)
            if _LOCK.search(last(owner)):
                found.setdefault(owner, []).append(call)
    return found


def _on_failure(call: ast.Call, file: FileContext) -> bool:
    """Whether a call is made when something fails, too."""
    inner: ast.AST = call
    for around in file.ancestors(call):
        if isinstance(around, ast.ExceptHandler):
            return True
        if isinstance(around, (ast.Try, ast.TryStar)) and inner in around.finalbody:
            return True
        inner = around
    return False


def _may_leave(start: int, end: int, scope: Scope) -> bool:
    """Whether something between two lines returns, raises, or calls what may."""
    left: list[ast.stmt] = [*scope.of(ast.Return), *scope.of(ast.Raise)]
    if any(start < node.lineno < end for node in left):
        return True
    calls = (call for call in scope.of(ast.Call) if start < call.lineno < end)
    return any(last(callee(call, scope)) not in _RAISES_NOTHING for call in calls)

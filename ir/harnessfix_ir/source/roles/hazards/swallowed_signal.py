"""A clause takes every exception, Ctrl-C and cancellation too, and the work goes on as if nothing had been asked."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, calls_in, inside, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.roles.handlers import caught_types, is_log_call
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_SIGNALS = frozenset(("KeyboardInterrupt", "SystemExit", "CancelledError", "GeneratorExit", "BaseException"))
_LEAVES = frozenset(("exit", "_exit", "abort", "interrupt_main", "kill", "killpg"))
_SHOWS = frozenset(("str", "repr", "type", "format_exc", "format_exception", "print_exc"))
# Putting away is done whatever was raised; so is waiting for what was just cancelled.
_ENDS = re.compile(
    r"close|release|cancel|shutdown|stop|terminate|kill|clean|disconnect|rollback|gather|^wait|join", re.I
)


class SwallowedSignal(Role):
    """`except BaseException:` around an `await`, answered with a value as if it were a failure of the work."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for node in scope.tries:
                for clause in node.handlers:
                    types = {last(name) for name in caught_types(clause, scope)}
                    if (
                        (not types or "BaseException" in types)
                        and _goes_on(clause, scope, file)
                        and _waits(node, scope)
                    ):
                        yield hazard("swallowed-signal", scope, clause).add("catches", "BaseException")
                    if not types or types & _SIGNALS:
                        break


def _goes_on(clause: ast.ExceptHandler, scope: Scope, file: FileContext) -> bool:
    if any(isinstance(node, ast.Raise) for node in inside(clause.body)):
        return False
    if any(last(callee(call, scope)) in _LEAVES for call in calls_in(clause.body)):
        return False
    answers = (ast.Return, ast.Yield, ast.Continue)
    return any(isinstance(node, answers) for node in inside(clause.body)) and not _handed_on(clause, scope, file)


def _handed_on(clause: ast.ExceptHandler, scope: Scope, file: FileContext) -> bool:
    """Whether the exception itself is stored, returned or passed to something that does not merely show it."""
    for node in inside(clause.body):
        if not (isinstance(node, ast.Name) and node.id == clause.name):
            continue
        around = file.parents.get(node)
        if isinstance(around, (ast.FormattedValue, ast.Attribute)):
            continue
        if isinstance(around, ast.Call) and (is_log_call(around, scope) or last(callee(around, scope)) in _SHOWS):
            continue
        return True
    return False


def _waits(node: ast.Try | ast.TryStar, scope: Scope) -> bool:
    """Whether work is waited for there that a person or a time-out may want to stop, and nothing is being put away."""
    if any(_ENDS.search(last(callee(call, scope))) for call in calls_in(node.body)):
        return False
    return any(isinstance(part, (ast.Await, ast.AsyncFor, ast.Yield)) for part in inside(node.body))

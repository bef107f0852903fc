"""A span that is started and ended by hand: when its work raises it ends like one that went well."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, calls_in, inside, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_ENDS = frozenset(("end", "finish"))
_HARMLESS = _ENDS | {"start", "set_attribute", "set_attributes", "add_event"}


class UnmarkedSpan(Role):
    """`span = start_span()`, `try: work()`, `finally: span.end()`, and no clause that tells the span of the failure."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            started = _started(scope)
            for attempt in scope.tries if started else ():
                for call in calls_in(attempt.finalbody):
                    name = _of(call, _ENDS)
                    if name in started and not _is_told(name, attempt, scope):
                        yield hazard("unmarked-span", scope, call).add("span", name)


def _started(scope: Scope) -> set[str]:
    """Names that hold a span which is not a context manager's."""
    begun = {_of(call, frozenset(("start",))) for call in scope.of(ast.Call)}
    return {
        name
        for name, values in scope.bindings.items()
        for value in values
        if isinstance(value, ast.Call)
        and ((made := last(callee(value, scope))) == "start_span" or (made.endswith("_span") and name in begun))
    }


def _of(call: ast.Call, methods: frozenset[str]) -> str:
    """The name that one of these methods is called on; empty for other calls."""
    func = call.func
    named = isinstance(func, ast.Attribute) and func.attr in methods and isinstance(func.value, ast.Name)
    return func.value.id if named and isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) else ""


def _is_told(name: str, attempt: ast.Try | ast.TryStar, scope: Scope) -> bool:
    """Whether a clause of the function, or the end itself, does something else with the span.

    A function without clauses may leave that to what it hands the span to.
    """
    clauses = [node for handler in scope.of(ast.ExceptHandler) for node in handler.body]
    if any(isinstance(node, ast.Name) and node.id == name for node in inside(clauses)):
        return True
    calls = calls_in(attempt.finalbody) if clauses else scope.of(ast.Call)
    return any(
        isinstance(part, ast.Name) and part.id == name
        for call in calls
        if _of(call, _HARMLESS) != name
        for part in walk(call)
    )

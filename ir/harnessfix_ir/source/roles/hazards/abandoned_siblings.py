"""Work started side by side where the failure of one leaves the others running: `gather` without anybody to cancel."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import (
    assigned_value,
    body_without_docstring,
    callee,
    calls_in,
    dotted,
    inside,
    is_true,
    keyword,
    last,
    own_attribute,
)
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard, holds

_PLAIN = (ast.Assign, ast.AnnAssign)


class AbandonedSiblings(Role):
    """`await asyncio.gather(a, b)`: when `a` fails, `b` goes on with nobody waiting for it."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for call in scope.of(ast.Call):
                gathers = callee(call, scope) in ("asyncio.gather", "gather")
                if not gathers or is_true(keyword(call, "return_exceptions")):
                    continue
                many = len(call.args) > 1 or any(isinstance(given, ast.Starred) for given in call.args)
                if not many or not isinstance(file.parents.get(call), ast.Await) or _is_cleaned_up(call, scope):
                    continue
                begun = [piece for given in call.args for piece in _begun(given, scope)]
                if not all(_is_owned(piece, scope, file) for piece in begun):
                    yield hazard("abandoned-siblings", scope, call)


def _begun(given: ast.expr, scope: Scope) -> Iterator[ast.expr]:
    """What one argument of `gather` waits for: of `*tasks` what was put into `tasks`, as far as it is seen."""
    if not isinstance(given, ast.Starred):
        yield given
        return
    value: ast.expr | None = given.value
    if isinstance(value, ast.Name):
        value = assigned_value(value.id, scope, given.lineno) or value
    if isinstance(value, (ast.ListComp, ast.GeneratorExp)):
        yield value.elt
    else:
        yield value if value is not None else given


def _is_owned(piece: ast.expr, scope: Scope, file: FileContext) -> bool:
    """Whether a task is somebody's when a sibling has failed, or cannot fail.

    Tasks that an object keeps (`self.tasks`), a future of other work that is only waited for, and a function of the
    file that takes every failure itself.
    """
    if own_attribute(piece):
        return True
    if not isinstance(piece, ast.Call):
        return False
    name = callee(piece, scope)
    if last(name) == "wrap_future":
        return True
    if last(name) in ("create_task", "ensure_future") and piece.args:
        return _is_owned(piece.args[0], scope, file)
    plain = isinstance(piece.func, ast.Name) or own_attribute(piece.func)
    found = [f for f in file.functions if f.name == last(name)] if plain else []
    return len(found) == 1 and _takes_every_failure(found[0])


def _takes_every_failure(function: Scope) -> bool:
    """Whether a function is one `try`, behind assignments of plain values, whose clauses take every failure and raise
    none."""
    *before, end = body_without_docstring(function.function) or [ast.Pass()]
    if not isinstance(end, ast.Try) or not all(isinstance(s, _PLAIN) for s in before) or any(calls_in(before)):
        return False
    taken = [dotted(clause.type, function) if clause.type is not None else "" for clause in end.handlers]
    raised = any(isinstance(n, ast.Raise) for clause in end.handlers for n in inside(clause.body))
    return bool({"", "Exception", "BaseException"} & set(taken)) and not raised and not end.finalbody


def _is_cleaned_up(call: ast.Call, scope: Scope) -> bool:
    for node in scope.tries:
        if any(holds(part, call) for part in node.body):
            after = [*node.finalbody, *(part for handler in node.handlers for part in handler.body)]
            if any("cancel" in last(callee(inner, scope)).lower() for inner in calls_in(after)):
                return True
    return False

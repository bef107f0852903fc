"""A record that is written when work has failed, too, and then says nothing of the failure."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, calls_in, own_attribute
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard, targets_in

_TELLS = ("sys.exc_info", "traceback.format_exc", "traceback.print_exc")


class UnrecordedFailure(Role):
    """`status = None`, `try: status = run()`, `finally: save(status)`: after an exception it saves None."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.scopes:
            for attempt in scope.tries:
                if attempt.handlers or not attempt.finalbody:
                    continue
                empty = _empty_before(attempt, scope)
                bound = {
                    name.id
                    for node in attempt.body
                    if isinstance(node, ast.Assign)
                    for t in node.targets
                    for name in targets_in(t)
                }
                for call in calls_in(attempt.finalbody):
                    given = [*call.args, *(k.value for k in call.keywords)]
                    told = [n.id for n in given if isinstance(n, ast.Name) and n.id in empty & bound]
                    if told and not _tells(attempt, scope) and not _expects_nothing(call, told[0], scope, file):
                        yield (
                            hazard("unrecorded-failure", scope, call)
                            .add("name", told[0])
                            .add("call", callee(call, scope))
                        )
                        break


def _empty_before(attempt: ast.Try | ast.TryStar, scope: Scope) -> set[str]:
    """Names whose last value before the `try` is None or nothing."""
    found: set[str] = set()
    for node in scope.of(ast.Assign):
        if node.lineno >= attempt.lineno:
            continue
        for target in node.targets:
            if isinstance(target, ast.Name):
                (found.add if _is_nothing(node.value) else found.discard)(target.id)
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for part, value in zip(target.elts, node.value.elts, strict=False):
                    if isinstance(part, ast.Name):
                        (found.add if _is_nothing(value) else found.discard)(part.id)
    return found


def _is_nothing(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in (None, "")


def _expects_nothing(call: ast.Call, name: str, scope: Scope, file: FileContext) -> bool:
    """Whether what is called asks whether there is anything, as far as this file shows."""
    plain, method = callee(call, scope), own_attribute(call.func)
    beside = scope.owner.methods if scope.owner is not None and method else list(file.functions)
    called = next((other for other in beside if other.name == (method or plain)), None)
    if called is None:
        return False
    params = [param for param in called.params if param not in ("self", "cls")]
    at = next((n for n, given in enumerate(call.args) if isinstance(given, ast.Name) and given.id == name), None)
    param = next((k.arg for k in call.keywords if isinstance(k.value, ast.Name) and k.value.id == name), None)
    param = params[at] if at is not None and at < len(params) else param
    return any(isinstance(n, ast.Name) and n.id == param for test in called.tests for n in walk(test))


def _tells(attempt: ast.Try | ast.TryStar, scope: Scope) -> bool:
    """Whether the record says what went wrong, or is only written when nothing did."""
    if any(callee(call, scope) in _TELLS for call in calls_in(attempt.finalbody)):
        return True
    return any(isinstance(node, ast.If) for node in attempt.finalbody)

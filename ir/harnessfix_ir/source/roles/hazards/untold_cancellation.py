"""What comes after a call is told of its failure, and a cancellation is none of the failures that are caught."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard


class UntoldCancellation(Role):
    """`except Exception as e: error = e; raise` and `finally: ended(error)`: a cancelled call ends as a success."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for attempt in scope.tries:
                kept = _kept(attempt, scope)
                told = next((call for call in _calls(attempt.finalbody) if _gives(call, kept)), None) if kept else None
                if told is not None:
                    name = next(name for name in kept if _gives(told, [name]))
                    draft = hazard("untold-cancellation", scope, attempt.handlers[0]).add("name", name)
                    yield draft.add("told", file.segment(told.func, 60), told.lineno)


def _kept(attempt: ast.Try | ast.TryStar, scope: Scope) -> list[str]:
    """Names that hold the failure where it is an `Exception`, and say success otherwise; none where more is caught."""
    if not attempt.finalbody or any(_is_wide(handler.type) for handler in attempt.handlers):
        return []
    found = []
    for handler in attempt.handlers:
        if isinstance(handler.type, ast.Name) and handler.type.id == "Exception" and _raises(handler):
            for part in handler.body:
                target = part.targets[0] if isinstance(part, ast.Assign) else None
                if isinstance(part, ast.Assign) and isinstance(target, ast.Name):
                    begun = _before(target.id, attempt, scope)
                    holds = any(isinstance(n, ast.Name) and n.id == handler.name for n in walk(part.value))
                    if (holds and begun == [None]) or (_constants([part.value]) == [False] and begun == [True]):
                        found.append(target.id)
    return found


def _raises(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(part, ast.Raise) for part in handler.body)


def _before(name: str, attempt: ast.Try | ast.TryStar, scope: Scope) -> list[object]:
    """What the name was given before the attempt; the attempt itself does not give it anything."""
    values = scope.bindings.get(name, ())
    inside = {id(node) for part in attempt.body for node in walk(part)}
    return [] if any(id(v) in inside for v in values) else _constants([v for v in values if v.lineno < attempt.lineno])


def _constants(values: list[ast.expr]) -> list[object]:
    return [value.value if isinstance(value, ast.Constant) else ... for value in values]


def _is_wide(kind: ast.expr | None) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    names = [last(each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "")) for each in kinds]
    return kind is None or any(name in ("BaseException", "CancelledError", "GeneratorExit") for name in names)


def _calls(body: list[ast.stmt]) -> Iterator[ast.Call]:
    for part in body:
        for node in walk(part):
            if isinstance(node, ast.Call):
                yield node


def _gives(call: ast.Call, names: list[str]) -> bool:
    given = [*call.args, *(k.value for k in call.keywords)]
    return any(isinstance(value, ast.Name) and value.id in names for value in given)

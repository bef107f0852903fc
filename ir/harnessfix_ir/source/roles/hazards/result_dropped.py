"""A function that only works something out is called, and its answer is not taken."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import body_without_docstring, callee, inside, is_stub
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, targets_of
from harnessfix_ir.source.words import words

from .base import hazard

_WORKS_OUT = words(
    """
    len min max sum sorted list dict set tuple frozenset str int float bool round abs any all zip enumerate range
    reversed isinstance issubclass hasattr getattr repr type replace copy deepcopy
    """
)
_ASKS = words(
    "get keys values items join strip lower upper split startswith endswith removeprefix removesuffix format replace"
)
_DOES = (ast.Raise, ast.Delete, ast.Global, ast.Nonlocal, ast.Assert, ast.With, ast.AsyncWith, ast.Try, ast.TryStar)
_GIVES = (ast.Yield, ast.YieldFrom, ast.Await)


class ResultDropped(Role):
    """`add_usage(self.total, usage)` where `add_usage` returns the sum and changes nothing."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        pure = {scope.qualname for scope in file.functions if _only_works_out(scope)}
        if not pure:
            return
        for scope, statement in file.all(ast.Expr):
            call = statement.value
            if not isinstance(call, ast.Call):
                continue
            name = _called(call, scope)
            if name in pure and not _is_tried(statement, file):
                yield hazard("result-dropped", scope, statement).add("calls", name)


def _is_tried(statement: ast.stmt, file: FileContext) -> bool:
    """Whether it is called to see whether that raises: first of what a `try` with clauses holds."""
    around = file.parents.get(statement)
    if not isinstance(around, ast.Try) or around.body[0] is not statement:
        return False
    return any(
        isinstance(node, (ast.Return, ast.Continue)) for clause in around.handlers for node in inside(clause.body)
    )


def _called(call: ast.Call, scope: Scope) -> str:
    """Qualified name of a function of this file that a call is of, as far as its form says so."""
    func = call.func
    if isinstance(func, ast.Name):
        return func.id
    owner = scope.owner
    if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and owner is not None:
        return f"{owner.qualname}.{func.attr}" if func.value.id in ("self", "cls") else ""
    return ""


def _only_works_out(scope: Scope) -> bool:
    """Whether a function ends in a value on every way and has no effect that can be seen."""
    node = scope.function
    if isinstance(node, ast.AsyncFunctionDef) or node.decorator_list or is_stub(node) or scope.children:
        return False
    body = body_without_docstring(node)
    returns = scope.of(ast.Return)
    if not isinstance(body[-1], ast.Return) or any(_is_nothing(r.value) for r in returns):
        return False
    if any(scope.of(kind) for kind in (*_DOES, *_GIVES)):
        return False
    for call in scope.of(ast.Call):
        name = callee(call, scope).rpartition(".")[2]
        known = _WORKS_OUT if isinstance(call.func, ast.Name) else _ASKS
        if not (name in known or name[:1].isupper()):
            return False
    changed = [t for a in scope.assignments for t in targets_of(a)]
    changed += [added.target for added in scope.of(ast.AugAssign)]
    return all(isinstance(target, (ast.Name, ast.Tuple)) for target in changed)


def _is_nothing(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value in (None, True, False))

"""Branches that are always taken, or never: a bare text in a test, a test made twice, a clause behind a wider one."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import spelled, walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_WIDE = ("Exception", "BaseException")


class DeadBranch(Role):
    """`if role == "user" or "system":`, and clauses that an earlier one has emptied."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope, choice in file.all(ast.BoolOp):
            constant = _constant(choice)
            if constant is not None and _is_test(choice, file):
                yield hazard("dead-branch", scope, choice).add("why", f"`{file.segment(constant, 40)}` is always true")
        for scope in file.scopes:
            for attempt in scope.tries:
                yield from _clauses(attempt, scope, file)
            for branch in scope.of(ast.If):
                yield from _twice(branch, scope, file)


def _constant(choice: ast.BoolOp) -> ast.expr | None:
    """A text behind a comparison that `or` takes for a test of its own."""
    if not isinstance(choice.op, ast.Or) or not isinstance(choice.values[0], ast.Compare):
        return None
    return next(
        (v for v in choice.values[1:] if isinstance(v, ast.Constant) and isinstance(v.value, str) and v.value), None
    )


def _is_test(node: ast.AST, file: FileContext) -> bool:
    inner = node
    for around in file.ancestors(node):
        if isinstance(around, (ast.If, ast.While, ast.IfExp, ast.Assert)):
            return inner is around.test
        if isinstance(around, ast.comprehension):
            return inner in around.ifs
        if not isinstance(around, (ast.BoolOp, ast.UnaryOp)):
            return False
        inner = around
    return False


def _clauses(attempt: ast.Try | ast.TryStar, scope: Scope, file: FileContext) -> Iterator[Draft]:
    seen: list[str] = []
    for clause in attempt.handlers:
        kinds = clause.type.elts if isinstance(clause.type, ast.Tuple) else [clause.type] if clause.type else []
        names = [dotted(kind, scope) for kind in kinds]
        if names and all(name and _covered(name, seen) for name in names):
            yield hazard("dead-branch", scope, clause).add("why", f"a clause above takes {names[0]} already")
        seen += names


def _covered(name: str, seen: list[str]) -> bool:
    if name in seen:
        return True
    wide = "Exception" in seen and name not in ("BaseException", "KeyboardInterrupt", "SystemExit", "GeneratorExit")
    cancelled = name.rpartition(".")[2] in ("CancelledError", "KeyboardInterrupt", "SystemExit", "GeneratorExit")
    return "BaseException" in seen or (
        wide and not cancelled and name.rpartition(".")[2][:1].isupper() and _is_error(name)
    )


def _is_error(name: str) -> bool:
    plain = name.rpartition(".")[2]
    return plain.endswith(("Error", "Exception", "Warning", "Timeout", "Interrupt")) and "Base" not in plain


def _twice(branch: ast.If, scope: Scope, file: FileContext) -> Iterator[Draft]:
    """`if a: … elif b: … elif a: …` with tests that read names only."""
    nxt = branch.orelse
    if len(nxt) != 1 or not isinstance(nxt[0], ast.If):
        return
    above = file.parents.get(branch)
    if isinstance(above, ast.If) and above.orelse == [branch]:
        return  # seen from the head of the chain
    seen = {spelled(branch.test)}
    while len(nxt) == 1 and isinstance(nxt[0], ast.If):
        test = nxt[0].test
        if spelled(test) in seen and not any(isinstance(n, (ast.Call, ast.Await, ast.NamedExpr)) for n in walk(test)):
            yield hazard("dead-branch", scope, test).add("why", f"`{file.segment(test, 60)}` was asked above")
        seen.add(spelled(test))
        nxt = nxt[0].orelse

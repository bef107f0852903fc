"""A name that only one side of a `try` binds, read behind it in any case."""

import ast
from collections.abc import Iterator
from itertools import takewhile

from harnessfix_ir.source.expressions import EXITS, called_name, inside, is_constant
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.roles.handlers import is_log_call
from harnessfix_ir.source.scopes import FileContext, Scope, targets_of

from .base import hazard, holds, targets_in
from .unbound_name import binds_otherwise, block_of, reads

_ENDS = frozenset(("exit", "_exit", "fail", "abort"))


class UnboundAfterTry(Role):
    """`try: args = json.loads(text)` with `except ValueError: log(…)`, and then `args["command"]`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            seen: set[str] = set()
            for attempt in scope.tries:
                for name, line in _one_sided(attempt, scope):
                    read = None if name in seen else _read(name, attempt, scope, file)
                    if read is not None:
                        seen.add(name)
                        yield hazard("unbound-name", scope, read).add("name", name).add("bound-at", line)


def _one_sided(attempt: ast.Try | ast.TryStar, scope: Scope) -> Iterator[tuple[str, int]]:
    """Names that the body binds and a clause that goes on does not, or a clause and the body does not."""
    body = [*attempt.body, *attempt.orelse]
    going_on = [clause for clause in attempt.handlers if not _ends(clause.body, scope, clause.name)]
    if not going_on or attempt.finalbody or _ends(body, scope):
        return
    begins = takewhile(
        lambda node: isinstance(node, (ast.Assign, ast.AnnAssign)) and is_constant(node.value), attempt.body
    )
    sure = _bound([*begins])  # no clause is entered before these are bound
    for name, line in _bound(attempt.body).items():
        if name not in sure and any(not _binds(clause.body, name, scope) for clause in going_on):
            yield name, line
    for clause in going_on:
        for name, line in _bound(clause.body).items():
            if not _binds(body, name, scope):
                yield name, line


def _binds(body: list[ast.stmt], name: str, scope: Scope) -> bool:
    """Whether some way through the statements may bind the name."""
    stores = [n for n in scope.of(ast.Name) if n.id == name and not isinstance(n.ctx, ast.Load)]
    return any(holds(statement, n) for statement in body for n in stores)


def _ends(body: list[ast.stmt], scope: Scope, error: str | None = None) -> bool:
    """Whether what follows is not reached: a jump, or a call that is handed the exception and may raise it."""
    last = next((node for node in body if isinstance(node, EXITS)), body[-1] if body else None)
    while isinstance(last, ast.Expr) and isinstance(last.value, ast.Await):
        last = ast.Expr(last.value.value)
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        name = called_name(last.value)
        if name == "error" and isinstance(last.value.func, ast.Attribute) and _is_parser(last.value.func.value):
            return True  # as argparse's does
        handed = any(isinstance(n, ast.Name) and n.id == error for a in last.value.args for n in walk(a))
        return name in _ENDS or "raise" in name or (error is not None and handed and not is_log_call(last.value, scope))
    if isinstance(last, ast.If):
        return bool(last.orelse) and _ends(last.body, scope) and _ends(last.orelse, scope)
    if isinstance(last, (ast.With, ast.AsyncWith)):
        return _ends(last.body, scope)
    return isinstance(last, EXITS)


def _is_parser(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name.strip("_") in ("parser", "argparser", "arg_parser", "subparser", "argument_parser")


def _bound(body: list[ast.stmt]) -> dict[str, int]:
    """Plain names that some statements bind for sure, with the line."""
    found: dict[str, int] = {}
    for node in body:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
            continue
        for target in targets_of(node):
            for name in targets_in(target):
                found.setdefault(name.id, node.lineno)
    return found


def _read(name: str, attempt: ast.Try | ast.TryStar, scope: Scope, file: FileContext) -> ast.Name | None:
    """The first read of the name behind the `try`, in the same block, where nothing else binds it."""
    if name in scope.params or binds_otherwise(name, scope) or _is_shared(name, scope):
        return None
    stores = [n for n in scope.of(ast.Name) if n.id == name and not isinstance(n.ctx, ast.Load)]
    if any(n.lineno < attempt.lineno for n in stores):
        return None  # bound before: the clause keeps what was there
    block = block_of(attempt, file)
    for statement in block[block.index(attempt) + 1 :] if attempt in block else []:
        if any(holds(statement, n) for n in stores) and not _adds_to(statement, name):
            return None
        found = next((n for n in reads(statement) if isinstance(n, ast.Name) and n.id == name), None)
        if found is not None:
            return found
        if isinstance(statement, (*EXITS, ast.If, ast.Match)) and _mentions(statement, attempt):
            return None
    return None


def _adds_to(statement: ast.stmt, name: str) -> bool:
    """Whether all that a statement does to the name is to add to what it holds."""
    adding = {n.target for n in walk(statement) if isinstance(n, ast.AugAssign)}
    stores = [n for n in walk(statement) if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store)]
    return all(store in adding for store in stores)


def _is_shared(name: str, scope: Scope) -> bool:
    shared: list[ast.Global | ast.Nonlocal] = [*scope.of(ast.Global), *scope.of(ast.Nonlocal)]
    return any(name in node.names for node in shared)


def _mentions(statement: ast.stmt, attempt: ast.Try | ast.TryStar) -> bool:
    """Whether a branch behind the `try` looks at what a clause noted down."""
    noted = {name for clause in attempt.handlers for name in _bound(clause.body)}
    tested = statement.test if isinstance(statement, ast.If) else statement
    return (
        isinstance(statement, EXITS)
        or any(isinstance(n, ast.Name) and n.id in noted for n in walk(tested))
        or any(isinstance(n, EXITS) for n in inside([statement]))
    )

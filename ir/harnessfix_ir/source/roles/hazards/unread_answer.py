"""What a call answers is given a name, and no way on from there reads it before another answer has that name."""

import ast
from collections.abc import Iterator, Sequence
from enum import Enum, auto

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, targets_of

from .base import hazard


class Fate(Enum):
    """What becomes of a value on the way through some statements."""

    READ = auto()  # or it cannot be told
    GONE = auto()
    KEPT = auto()


class UnreadAnswer(Role):
    """`if fast: answer = ask(small)`, then `answer = ask(large)`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            stores: dict[str, int] = {}
            for node in scope.of(ast.Name):
                if isinstance(node.ctx, ast.Store):
                    stores[node.id] = stores.get(node.id, 0) + 1
            for statement in scope.assignments:
                targets = targets_of(statement)
                value = statement.value.value if isinstance(statement.value, ast.Await) else statement.value
                if len(targets) != 1 or not isinstance(targets[0], ast.Name) or not isinstance(value, ast.Call):
                    continue
                name = targets[0].id
                if stores.get(name, 0) > 1 and not _is_shared(scope, name) and _is_dead(statement, name, scope, file):
                    yield hazard("unread-answer", scope, statement).add("name", name)


def _is_shared(scope: Scope, name: str) -> bool:
    """Whether functions inside this one, or those around it, may read the name."""
    if any(name in node.names for node in scope.deep(ast.Global)):
        return True
    if any(name in node.names for node in scope.deep(ast.Nonlocal)):
        return True
    return any(node.id == name for child in scope.children for node in child.deep(ast.Name))


def _is_dead(statement: ast.stmt, name: str, scope: Scope, file: FileContext) -> bool:
    """Whether nothing after a statement reads what it gave a name."""
    inner: ast.AST = statement
    for around in (*file.ancestors(statement), scope.function):
        block = next((block for block in _blocks(around) if any(each is inner for each in block)), None)
        if isinstance(around, (ast.Try, ast.TryStar)) and any(
            _reads(each, name) for each in (*around.handlers, *around.finalbody)
        ):
            return False  # whatever comes next may fail
        if block is not None:
            place = next(number for number, each in enumerate(block) if each is inner)
            fate = _through(block[place + 1 :], name)
            if fate is not Fate.KEPT:
                return fate is Fate.GONE
        if around is scope.function:
            return True
        if not isinstance(around, (ast.If, ast.With, ast.AsyncWith)) and _reads(around, name):
            return False  # a loop comes round, a handler or a `finally` may follow
        inner = around
    return False


def _blocks(node: ast.AST) -> Iterator[Sequence[ast.stmt]]:
    for field in ("body", "orelse", "finalbody"):
        block = getattr(node, field, None)
        if isinstance(block, list):
            yield block


def _through(block: Sequence[ast.stmt], name: str) -> Fate:
    for statement in block:
        fate = _fate(statement, name)
        if fate is not Fate.KEPT:
            return fate
    return Fate.KEPT


def _fate(statement: ast.stmt, name: str) -> Fate:
    if isinstance(statement, ast.If):
        if _reads(statement.test, name):
            return Fate.READ
        fates = {_through(statement.body, name), _through(statement.orelse, name)}
        return Fate.READ if Fate.READ in fates else Fate.KEPT if Fate.KEPT in fates else Fate.GONE
    if _reads(statement, name) or isinstance(statement, (ast.Break, ast.Continue, ast.AugAssign)):
        return Fate.READ
    if isinstance(statement, (ast.Return, ast.Raise)):
        return Fate.GONE
    if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
        given = (target.id for target in targets_of(statement) if isinstance(target, ast.Name))
        return Fate.GONE if name in given else Fate.KEPT
    return Fate.KEPT


def _reads(node: ast.AST, name: str) -> bool:
    return any(isinstance(each, ast.Name) and each.id == name and isinstance(each.ctx, ast.Load) for each in walk(node))

"""What a call answers is given a name, and no way on from there reads it before another answer has that name."""

import ast
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from itertools import islice

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, targets_of

from .base import hazard

MOST_LOOKED = 200  # statements after one; what is replaced later than that is left alone

Place = tuple[int, int]
"""Line and column."""


class Fate(Enum):
    """What becomes of a value on the way through some statements."""

    READ = auto()  # or it cannot be told
    GONE = auto()
    KEPT = auto()


class UnreadAnswer(Role):
    """`if fast: answer = ask(small)`, then `answer = ask(large)`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            stores = Counter(node.id for node in scope.of(ast.Name) if isinstance(node.ctx, ast.Store))
            again = {name for name, times in stores.items() if times > 1}
            if not again:
                continue
            again -= _shared(scope)
            reads = _Reads(scope)
            for statement in scope.assignments:
                targets = targets_of(statement)
                value = statement.value.value if isinstance(statement.value, ast.Await) else statement.value
                if len(targets) != 1 or not isinstance(targets[0], ast.Name) or not isinstance(value, ast.Call):
                    continue
                name = targets[0].id
                if name in again and _Way(name, reads).is_dead(statement, scope, file):
                    yield hazard("unread-answer", scope, statement).add("name", name)


def _shared(scope: Scope) -> set[str]:
    """Names that functions inside this one, or those around it, may read."""
    outer = {name for node in scope.deep(ast.Global) for name in node.names}
    outer.update(name for node in scope.deep(ast.Nonlocal) for name in node.names)
    return outer | {node.id for child in scope.children for node in child.deep(ast.Name)}


class _Reads:
    """Where a function reads which name.

    Args:
        scope: the function.
    """

    def __init__(self, scope: Scope) -> None:
        self._places: dict[str, list[Place]] = defaultdict(list)
        for node in scope.of(ast.Name):
            if isinstance(node.ctx, ast.Load):
                self._places[node.id].append(_place(node))
        for places in self._places.values():
            places.sort()

    def within(self, node: ast.AST, name: str) -> bool:
        """Whether a node reads the name."""
        places = self._places.get(name, [])
        decorators = getattr(node, "decorator_list", ())  # they stand before what they decorate
        first = bisect_left(places, _place(decorators[0] if decorators else node))
        end = getattr(node, "end_lineno", 0), getattr(node, "end_col_offset", 0)
        return first < len(places) and places[first] < end


class _Way:
    """What becomes of one name, as far as a look at some statements tells.

    Args:
        name: of the value.
        reads: of its function.
    """

    def __init__(self, name: str, reads: _Reads) -> None:
        self._name, self._reads, self._left = name, reads, MOST_LOOKED

    def is_dead(self, statement: ast.stmt, scope: Scope, file: FileContext) -> bool:
        """Whether nothing after a statement reads what it gave the name."""
        inner: ast.AST = statement
        for around in (*file.ancestors(statement), scope.function):
            if isinstance(around, (ast.Try, ast.TryStar)) and any(
                map(self._is_read_in, (*around.handlers, *around.finalbody))
            ):
                return False  # whatever comes next may fail
            fate = self._through(_after(inner, around))
            if fate is not Fate.KEPT:
                return fate is Fate.GONE
            if around is scope.function:
                return True
            if not isinstance(around, (ast.If, ast.With, ast.AsyncWith)) and self._is_read_in(around):
                return False  # a loop comes round, a handler or a `finally` may follow
            inner = around
        return False

    def _is_read_in(self, node: ast.AST) -> bool:
        return self._reads.within(node, self._name)

    def _through(self, statements: Iterator[ast.stmt]) -> Fate:
        for statement in statements:
            self._left -= 1
            fate = self._fate(statement) if self._left >= 0 else Fate.READ
            if fate is not Fate.KEPT:
                return fate
        return Fate.KEPT

    def _fate(self, statement: ast.stmt) -> Fate:
        if isinstance(statement, ast.If):
            if self._is_read_in(statement.test):
                return Fate.READ
            fates = {self._through(iter(statement.body)), self._through(iter(statement.orelse))}
            return Fate.READ if Fate.READ in fates else Fate.KEPT if Fate.KEPT in fates else Fate.GONE
        if self._is_read_in(statement) or isinstance(statement, (ast.Break, ast.Continue, ast.AugAssign)):
            return Fate.READ
        if isinstance(statement, (ast.Return, ast.Raise)):
            return Fate.GONE
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
            given = (target.id for target in targets_of(statement) if isinstance(target, ast.Name))
            return Fate.GONE if self._name in given else Fate.KEPT
        return Fate.KEPT


def _after(inner: ast.AST, around: ast.AST) -> Iterator[ast.stmt]:
    """The statements after one in the block of another that it stands in; none where it stands in no block of it."""
    for field in ("body", "orelse", "finalbody"):
        block: Sequence[ast.stmt] | object = getattr(around, field, None)
        if isinstance(block, list):
            number = bisect_left(block, _place(inner), key=_place)
            if number < len(block) and block[number] is inner:
                return islice(block, number + 1, None)
    return iter(())


def _place(node: ast.AST) -> Place:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)

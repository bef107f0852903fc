"""A message that is built on a way through a function on which nothing takes it."""

import ast
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from enum import Enum, auto

from harnessfix_ir.source.expressions import names_in, text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_KEYS = frozenset(("role", "content"))
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_READ_ALL = frozenset(("locals", "vars", "eval", "exec"))
_MOST = 20_000  # statements that are looked at in one function


class _End(Enum):
    """What becomes of a value on the way through some statements."""

    READ = auto()
    LOST = auto()
    KEPT = auto()


class UnsentMessage(Role):
    """`answer = {"role": "user", "content": error}` in one branch, `messages.append(answer)` in the other."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            ways: _Ways | None = None
            for node in scope.of(ast.Assign):
                target = node.targets[0]
                if not (len(node.targets) == 1 and isinstance(target, ast.Name) and _is_message(node.value)):
                    continue
                ways = ways or _Ways(scope, file)
                if not ways.shared(target.id) and not ways.read(node, target.id):
                    yield hazard("unsent-message", scope, node).add("name", target.id)


def _is_message(value: ast.expr) -> bool:
    return isinstance(value, ast.Dict) and {text_of(key) for key in value.keys} >= _KEYS


class _Ways:
    """Where a name is read on the ways through a function.

    Args:
        scope: the function.
        file: the file around.
    """

    def __init__(self, scope: Scope, file: FileContext) -> None:
        self._scope, self._file = scope, file
        self._left = _MOST
        self._lines: dict[str, list[int]] = {}
        for name in scope.deep(ast.Name):
            self._lines.setdefault(name.id, []).append(name.lineno)
        for lines in self._lines.values():
            lines.sort()
        inner = {name.id for child in scope.children for name in child.deep(ast.Name)}
        lambdas = {name for each in scope.of(ast.Lambda) for name in names_in(each)}
        declared: list[ast.Global | ast.Nonlocal] = [*scope.of(ast.Global), *scope.of(ast.Nonlocal)]
        self._shared = inner | lambdas | {name for node in declared for name in node.names} | {"_"}
        calls = (call.func for call in scope.of(ast.Call))
        self._all_read = any(isinstance(func, ast.Name) and func.id in _READ_ALL for func in calls)

    def shared(self, name: str) -> bool:
        """Whether another function, or whoever asks for all local names, may read it."""
        return self._all_read or name in self._shared

    def read(self, node: ast.stmt, name: str) -> bool:
        """Whether some way on from a statement reads the name before it is given something else."""
        inner: ast.AST = node
        gone = False
        for around in (*self._file.ancestors(node), self._scope.node):
            for block in () if gone else _blocks(around):
                if inner in block:
                    end = self._through(block[block.index(inner) + 1 :], name)
                    if end is _End.READ:
                        return True
                    gone = end is _End.LOST
            if isinstance(around, (ast.Try, ast.TryStar)):
                if any(self._mentions(statement, name) for statement in _after(around, inner)):
                    return True
                gone = gone and not (inner in around.body and around.handlers)  # what took its place may have failed
            elif isinstance(around, (ast.With, ast.AsyncWith)):
                gone = False  # it may suppress what was raised
            if isinstance(around, _LOOPS) and self._loops_to(around, name):
                return True
            inner = around
        return False

    def _loops_to(self, loop: ast.For | ast.AsyncFor | ast.While, name: str) -> bool:
        """Whether another round, the question for one, or what follows the last reads the name."""
        if isinstance(loop, ast.While) and self._mentions(loop.test, name):
            return True
        return self._through(loop.body, name) is _End.READ or any(self._mentions(s, name) for s in loop.orelse)

    def _through(self, statements: Sequence[ast.AST], name: str) -> _End:
        for statement in statements:
            end = self._in(statement, name)
            if end is not _End.KEPT:
                return end
        return _End.KEPT

    def _in(self, node: ast.AST, name: str) -> _End:
        """What becomes of the value in one statement; where that is not plain, or after many, it counts as read."""
        self._left -= 1
        if self._left < 0:
            return _End.READ
        if isinstance(node, ast.If):
            return self._in_branches(node, name)
        if isinstance(node, (ast.Break, ast.Continue)):
            return _End.READ  # where it goes on is not looked at
        if isinstance(node, (ast.With, ast.AsyncWith)):
            read = any(self._mentions(i, name) for i in node.items) or self._through(node.body, name) is _End.READ
            return _End.READ if read else _End.KEPT  # it may suppress what was raised
        if not self._mentions(node, name):
            return _End.LOST if isinstance(node, (ast.Return, ast.Raise)) else _End.KEPT
        given = isinstance(node, ast.Assign) and _stores(node, name) and name not in names_in(node.value)
        return _End.LOST if given else _End.READ

    def _in_branches(self, node: ast.If, name: str) -> _End:
        """The same for a branch, with all its `elif`: there may be hundreds."""
        ends = set()
        while True:
            if self._mentions(node.test, name):
                return _End.READ
            ends.add(self._through(node.body, name))
            following = node.orelse[0] if len(node.orelse) == 1 else None
            if not isinstance(following, ast.If):
                break
            node = following
        ends.add(self._through(node.orelse, name))
        return _End.READ if _End.READ in ends else ends.pop() if len(ends) == 1 else _End.KEPT

    def _mentions(self, node: ast.AST, name: str) -> bool:
        """Whether a node names it: by lines first, as most do not."""
        first, last = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
        if first is not None and last is not None:
            lines = self._lines.get(name, [])
            if bisect_left(lines, first) == bisect_right(lines, last):
                return False
        return name in names_in(node)


def _after(attempt: ast.Try | ast.TryStar, inner: ast.AST) -> Iterator[ast.stmt]:
    """What of a `try` may run behind a part of it."""
    if inner in attempt.body:
        yield from attempt.orelse
        yield from (statement for clause in attempt.handlers for statement in clause.body)
    if inner not in attempt.finalbody:
        yield from attempt.finalbody


def _blocks(node: ast.AST) -> Iterator[list[ast.AST]]:
    for field in ("body", "orelse", "finalbody"):
        block = getattr(node, field, None)
        if isinstance(block, list):
            yield block


def _stores(node: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)

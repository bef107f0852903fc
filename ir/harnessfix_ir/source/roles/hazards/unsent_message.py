"""A message that is built on a way through a function on which nothing takes it."""

import ast
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from enum import Enum, auto

from harnessfix_ir.source.expressions import text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_KEYS = frozenset(("role", "content"))
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
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
                if not _is_shared(target.id, scope) and not ways.read(node, target.id):
                    yield hazard("unsent-message", scope, node).add("name", target.id)


def _is_message(value: ast.expr) -> bool:
    return isinstance(value, ast.Dict) and {text_of(key) for key in value.keys} >= _KEYS


def _is_shared(name: str, scope: Scope) -> bool:
    """Whether another function, or whoever asks for all local names, may read it."""
    if any(name in node.names for kind in (ast.Global, ast.Nonlocal) for node in scope.of(kind)):  # type: ignore[attr-defined]
        return True
    if any(n.id == name for child in scope.children for n in child.deep(ast.Name)):
        return True
    return any(
        isinstance(c.func, ast.Name) and c.func.id in ("locals", "vars", "eval", "exec") for c in scope.of(ast.Call)
    )


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

    def read(self, node: ast.stmt, name: str) -> bool:
        """Whether some way on from a statement reads the name before it is given something else."""
        inner: ast.AST = node
        for around in (*self._file.ancestors(node), self._scope.node):
            for block in _blocks(around):
                if inner in block:
                    end = self._through(block[block.index(inner) + 1 :], name)
                    if end is not _End.KEPT:
                        return end is _End.READ
            if isinstance(around, (ast.Try, ast.TryStar)) and inner not in around.finalbody:
                rest = [*around.orelse, *(s for clause in around.handlers for s in clause.body), *around.finalbody]
                if any(self._mentions(statement, name) for statement in rest):
                    return True
            if isinstance(around, _LOOPS) and self._through(around.body, name) is _End.READ:
                return True
            inner = around
        return False

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
            if self._mentions(node.test, name):
                return _End.READ
            ends = {self._through(node.body, name), self._through(node.orelse, name)}
            return _End.READ if _End.READ in ends else ends.pop() if len(ends) == 1 else _End.KEPT
        if isinstance(node, (ast.Break, ast.Continue)):
            return _End.READ  # where it goes on is not looked at
        if isinstance(node, (ast.With, ast.AsyncWith)):
            return _End.READ if any(self._mentions(i, name) for i in node.items) else self._through(node.body, name)
        if not self._mentions(node, name):
            return _End.LOST if isinstance(node, (ast.Return, ast.Raise)) else _End.KEPT
        given = isinstance(node, ast.Assign) and _stores(node, name) and not _names(node.value, name)
        return _End.LOST if given else _End.READ

    def _mentions(self, node: ast.AST, name: str) -> bool:
        """Whether a node names it: by lines first, as most do not."""
        first, last = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
        if first is not None and last is not None:
            lines = self._lines.get(name, [])
            if bisect_left(lines, first) == bisect_right(lines, last):
                return False
        return _names(node, name)


def _blocks(node: ast.AST) -> Iterator[list[ast.AST]]:
    for field in ("body", "orelse", "finalbody"):
        block = getattr(node, field, None)
        if isinstance(block, list):
            yield block


def _stores(node: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)


def _names(node: ast.AST, name: str) -> bool:
    return any(isinstance(inner, ast.Name) and inner.id == name for inner in walk(node))

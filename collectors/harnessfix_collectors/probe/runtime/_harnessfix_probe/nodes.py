"""New nodes of a syntax tree, each at the place of a node that the source has."""

from __future__ import annotations

import ast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar, Union

    N = TypeVar("N", bound=ast.AST)
    Loop = Union[ast.While, ast.For, ast.AsyncFor]
    Owner = Union[str, int]

PROBE, SPAN = "@hf", "@s"
# Functions that the interpreter calls when it has taken `builtins` apart, and our names with them.
LATE = ("__del__",)


def call(owner: str | int, method: str, *arguments: ast.expr | int | str) -> ast.Call:
    """`owner.method(arguments)`; numbers and texts become constants.

    Args:
        owner: a name, or the number of an element: then its span is asked of the probe, and needs no name.
        method, arguments: what is called with what.
    """
    given = [argument if isinstance(argument, ast.expr) else ast.Constant(argument) for argument in arguments]
    whose = ast.Name(owner, ast.Load()) if isinstance(owner, str) else call(PROBE, "here", owner)
    return ast.Call(ast.Attribute(whose, method, ast.Load()), given, [])


def statement(expression: ast.expr, where: ast.stmt | ast.excepthandler) -> ast.stmt:
    """An expression as a statement on the first line of `where`."""
    return at(ast.Expr(expression), where)


def at(node: N, where: ast.AST) -> N:
    """Give `node`, and all inside it that has no place yet, that of `where`; of a statement the first line only."""
    for inner in ast.walk(node):
        if "lineno" not in inner._attributes or hasattr(inner, "lineno"):
            continue
        ast.copy_location(inner, where)
        if isinstance(where, (ast.stmt, ast.excepthandler)):
            inner.end_lineno, inner.end_col_offset = inner.lineno, inner.col_offset  # type: ignore[attr-defined]
    return node


def around(item: ast.withitem, body: list[ast.stmt], where: ast.stmt) -> ast.With:
    """`body` in a `with` that begins on the line of `where` and ends on none: a debugger does not come back to it.

    Up to Python 3.12 the end has the place of the statement, from 3.13 on that of its expression.
    """
    statement = at(ast.With([item], body), where)
    on_no_line(statement, item.context_expr)
    return statement


def on_no_line(*nodes: ast.stmt | ast.expr) -> None:
    """Take their places from nodes: a debugger does not stop there."""
    for node in nodes:
        node.lineno = node.end_lineno = node.col_offset = node.end_col_offset = -1


def is_docstring(node: ast.stmt) -> bool:
    """Whether a first statement is a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


class Here(ast.NodeTransformer):
    """Rewrites one function and not those inside it."""

    def _inside(self, node: ast.AST) -> ast.AST:
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = visit_ClassDef = _inside  # noqa: N815

    def block(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """Statements, rewritten; one may become several."""
        found: list[ast.stmt] = []
        for entry in statements:
            new = self.visit(entry)
            found.extend(new if isinstance(new, list) else [new])
        return found


def breaks(owner: Owner, number: int, body: list[ast.stmt]) -> list[ast.stmt]:
    """The body of a loop in which `owner.left(number, "break")` is called before each of its breaks."""
    return _Breaks(owner, number).block(body)


class _Breaks(Here):
    """`break` of one loop, not of those inside it."""

    def __init__(self, owner: Owner, number: int) -> None:
        self._owner, self._number = owner, number

    def _inner(self, node: Loop) -> ast.AST:
        node.orelse = self.block(node.orelse)
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        return self._inner(node)

    def visit_For(self, node: ast.For) -> ast.AST:
        return self._inner(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.AST:
        return self._inner(node)

    def visit_Break(self, node: ast.Break) -> Any:
        return [statement(call(self._owner, "left", self._number, "break"), node), node]

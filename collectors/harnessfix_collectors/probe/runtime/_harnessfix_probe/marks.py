"""Marks at the beginning of every straight stretch of code: which lines ran, for the price of one store each.

A mark is `@c…[NUMBER] = 1` on an array of the file's own, before the first statement of a function, a branch, a loop's
body or a handler, and before the statement that follows such a block. The nearest mark at or above a line says whether
it was reached. The array lives in `builtins` under a name that cannot be written in Python.
"""

from __future__ import annotations

import ast

from .nodes import LATE, PROBE, at, call, is_docstring, on_no_line, statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .reached import Marks

_BRANCHING = ("If", "For", "AsyncFor", "While", "Try", "TryStar", "With", "AsyncWith", "Match")
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def mark(tree: ast.Module, name: str) -> Marks:
    """Put marks into `tree`, in place.

    Args:
        tree: parsed module, not instrumented otherwise yet.
        name: of the array in `builtins`.

    Returns:
        By number of the mark: its line, and the first marked line of the function that it is in.
    """
    marker = _Marker(name)
    marker.scopes(tree)
    return marker.found


def say_end(tree: ast.Module, place: str) -> None:
    """Have a module tell the probe that its last statement has run.

    Args:
        tree: instrumented module.
        place: path of its file in the plan.
    """
    if tree.body:
        told = statement(call(PROBE, "imported", place), tree.body[-1])
        on_no_line(*(node for node in ast.walk(told) if isinstance(node, (ast.stmt, ast.expr))))
        tree.body.append(told)


class _Marker:
    def __init__(self, name: str) -> None:
        self._name = name
        self._first = 0
        self.found: Marks = []

    def scopes(self, node: ast.AST) -> None:
        """Mark the functions in a module or class body, however deep in its branches."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self._function(child)
            elif isinstance(child, (ast.stmt, ast.excepthandler)) or type(child).__name__ == "match_case":
                self.scopes(child)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if node.name in LATE:
            return
        outer = self._first
        heading = 1 if is_docstring(node.body[0]) else 0
        if len(node.body) > heading:
            self._first = _line(node.body[heading])
            node.body[heading:] = self._block(node.body[heading:])
        self._first = outer

    def _block(self, body: list[ast.stmt], marked: bool = True) -> list[ast.stmt]:
        """Statements with a mark before the first, and before each that follows a block."""
        found: list[ast.stmt] = []
        for entry in body:
            if marked:
                found.append(self._mark(entry))
            marked = self._inside(entry)
            found.append(entry)
        return found

    def _inside(self, node: ast.stmt) -> bool:
        """Mark the blocks of a statement; whether it has any."""
        if isinstance(node, _SCOPES):
            self._function(node) if not isinstance(node, ast.ClassDef) else self.scopes(node)
            return True
        if type(node).__name__ not in _BRANCHING:
            return False
        own = type(node).__name__ not in ("Try", "TryStar", "With", "AsyncWith")
        for field, marked in (("body", own), ("orelse", True), ("finalbody", True)):
            body = getattr(node, field, None)
            if body:
                setattr(node, field, self._block(body, marked))
        for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            part.body = self._block(part.body)
        return True

    def _mark(self, before: ast.stmt) -> ast.stmt:
        line = _line(before)
        number = ast.Constant(len(self.found))
        self.found.append((line, self._first))
        place = ast.Subscript(ast.Name(self._name, ast.Load()), number, ast.Store())
        return at(ast.Assign([place], ast.Constant(1)), before)


def _line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])

"""One source file that mutators look at: its tree, its text by node, and the function around each node."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property

from harnessfix_ir.vocabulary import Layer

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Edit:
    """A replacement of some lines' text.

    Args:
        start, end: offsets into the text, in characters.
        text: what stands there afterwards.
        qualname: the function that is changed, or the key of a settings file.
        layer: on which the flaw lies, where that depends on the place.
        acts_later: whether that function only makes what goes wrong afterwards, so that no step of it is wrong.
    """

    start: int
    end: int
    text: str
    qualname: str
    layer: Layer | None = field(default=None, repr=False)
    acts_later: bool = field(default=False, repr=False)

    def apply(self, source: str) -> str:
        """The source after the change."""
        return source[: self.start] + self.text + source[self.end :]


class Source:
    """A Python file.

    Args:
        text: its content. Raises `SyntaxError` when it is not Python.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)

    def functions(self) -> Iterator[tuple[str, Function]]:
        """All functions with their qualified names, outermost first."""
        for node, name in self._names.items():
            if isinstance(node, FUNCTION):
                yield name, node

    def inside(self, function: Function) -> Iterator[ast.AST]:
        """Nodes of a function, without those of functions and classes defined in it."""
        pending: list[ast.AST] = list(reversed(function.body))
        while pending:
            node = pending.pop()
            yield node
            if not isinstance(node, (*FUNCTION, ast.ClassDef, ast.Lambda)):
                pending.extend(reversed(list(ast.iter_child_nodes(node))))

    def segment(self, node: ast.AST) -> str:
        """The node's own text."""
        start, end = self.span(node)
        return self.text[start:end]

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Offsets of a node, in characters."""
        assert isinstance(node, (ast.expr, ast.stmt, ast.excepthandler, ast.keyword))
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def replace(self, node: ast.AST, text: str, qualname: str) -> Edit:
        """Put `text` in the place of a node; its lines after the first keep the node's indentation."""
        start, end = self.span(node)
        column = getattr(node, "col_offset", 0)
        return Edit(start, end, text.replace("\n", "\n" + " " * column), qualname)

    def replace_all(self, nodes: list[ast.stmt], text: str, qualname: str) -> Edit:
        """Put `text` in the place of statements that follow each other."""
        first = self.replace(nodes[0], text, qualname)
        return Edit(first.start, self.span(nodes[-1])[1], first.text, qualname)

    def remove(self, statement: ast.stmt, qualname: str) -> Edit:
        """Take a statement out; `pass` stays in its place, which is always valid."""
        return self.replace(statement, "pass", qualname)

    def dedented(self, statements: list[ast.stmt]) -> str:
        """Text of statements, as if they stood at the left margin."""
        column = statements[0].col_offset
        start, end = self.span(statements[0])[0], self.span(statements[-1])[1]
        lines = self.text[start:end].split("\n")
        return "\n".join([lines[0], *(line[column:] if line[:column].isspace() else line for line in lines[1:])])

    @cached_property
    def _names(self) -> dict[ast.AST, str]:
        names: dict[ast.AST, str] = {}
        pending: list[tuple[ast.AST, str]] = [(self.tree, "")]
        while pending:
            node, prefix = pending.pop()
            for child in ast.iter_child_nodes(node):
                if isinstance(child, (*FUNCTION, ast.ClassDef)):
                    names[child] = prefix + child.name
                    # As in `__qualname__`, less the `<locals>`.
                    pending.append((child, prefix + child.name + "."))
                else:
                    pending.append((child, prefix))
        return names

    @cached_property
    def _lines(self) -> list[tuple[int, str]]:
        found, at = [], 0
        for line in self.text.split("\n"):
            found.append((at, line))
            at += len(line) + 1
        return found

    def _offset(self, line: int, column: int) -> int:
        start, text = self._lines[line - 1]
        return start + (column if text.isascii() else len(text.encode()[:column].decode()))


@cache
def parsed(text: str) -> Source:
    """A Python file, parsed once. Raises `SyntaxError` or `ValueError` when it is not Python."""
    return Source(text)

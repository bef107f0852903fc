"""What a role finder is."""

import ast
from abc import ABC, abstractmethod
from collections.abc import Iterator

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.vocabulary import AnchorKind, ElementRole


class Role(ABC):
    """Finds the elements of one role in one file, looking at nothing else than that file."""

    @abstractmethod
    def find(self, file: FileContext) -> Iterator[Draft]:
        """Elements in order of source. Must be near-linear in the size of the file."""


def at_node(
    role: ElementRole, scope: Scope, node: ast.expr | ast.stmt | ast.ExceptHandler, kind: AnchorKind, name: str
) -> Draft:
    """A draft anchored on the lines of one node."""
    return Draft(role, name, scope.qualname, node.lineno, node.end_lineno or node.lineno, kind)


def at_function(role: ElementRole, scope: Scope, name: str = "") -> Draft:
    """A draft anchored on a whole function, decorators included."""
    return Draft(role, name or scope.name, scope.qualname, *lines_of(scope.function), AnchorKind.FUNCTION)


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> tuple[int, int]:
    """First line (of the first decorator where there is one) and last line of a definition."""
    start = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    return start, node.end_lineno or node.lineno

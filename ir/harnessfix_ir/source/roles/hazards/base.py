"""What the finders of hazards share."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import at_node
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.vocabulary import AnchorKind, ElementRole

LOOPS = (ast.For, ast.AsyncFor, ast.While)


def hazard(name: str, scope: Scope, node: ast.expr | ast.stmt | ast.ExceptHandler) -> Draft:
    """A draft of a hazard on the lines of one node, with its shape as a fact too.

    Args:
        name: the shape, in kebab case.
        scope: the function, class or module it stands in.
        node: expression, statement or clause.
    """
    return at_node(ElementRole.HAZARD, scope, node, AnchorKind.CALL, name).add(name)


def loops_around(node: ast.AST, file: FileContext) -> Iterator[ast.For | ast.AsyncFor | ast.While]:
    """Loops around a node in its own function, innermost first."""
    for around in file.ancestors(node):
        if isinstance(around, LOOPS):
            yield around


def targets_in(target: ast.AST) -> Iterator[ast.Name]:
    """Plain names that an assignment target binds."""
    for inner in walk(target):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            yield inner


def holds(outer: ast.AST, inner: ast.AST) -> bool:
    """Whether the lines of a node lie in those of another."""
    first, last = getattr(outer, "lineno", 0), getattr(outer, "end_lineno", 0) or 0
    return first <= getattr(inner, "lineno", 0) <= last


def read_behind(name: str, loop: ast.stmt, scope: Scope) -> bool:
    """Whether anything reads the name behind the loop, or a function in it closes over it."""
    end = loop.end_lineno or loop.lineno
    if any(n.id == name and isinstance(n.ctx, ast.Load) and n.lineno > end for n in scope.of(ast.Name)):
        return True
    return any(n.id == name for child in scope.children for n in child.deep(ast.Name))

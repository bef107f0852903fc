"""Nodes of a tree replaced, where only the functions and statements that hold one are made anew."""

from collections.abc import Callable, Mapping
from typing import Any

import libcst as cst

from .tree import Tree

Change = Callable[[Any], Any]


def becomes(made: cst.CSTNode) -> Change:
    """The change that puts a node there, whatever stood there."""
    return lambda _: made


def keeping_parentheses(made: cst.BaseExpression) -> Change:
    """The change that puts an expression there, in the parentheses of the one that stood there."""
    return lambda old: made.with_changes(lpar=old.lpar, rpar=old.rpar)


def replaced(tree: Tree, changes: Mapping[cst.CSTNode, Change]) -> cst.Module:
    """The module of a tree with nodes replaced.

    Args:
        tree: of the module.
        changes: node to a function from the node (its own inner changes made) to what shall stand there.
    """
    rewriter = _Rewriter(changes)
    units = {tree.unit(node) for node in changes}
    if tree.module in units:
        whole = tree.module.visit(rewriter)
        assert isinstance(whole, cst.Module)
        return whole
    around = {above for unit in units for above in tree.parents(unit)}
    module = _within(tree.module, units, around, rewriter)
    assert isinstance(module, cst.Module)
    return module


def _within(holder: Any, units: set[cst.CSTNode], around: set[cst.CSTNode], rewriter: "_Rewriter") -> Any:
    """A module or block in whose statements, and in those of its classes, the units are replaced."""
    body: list[Any] = []
    for statement in holder.body:
        new = statement
        if statement in units:  # a class that is a unit itself is gone through with all that is in it
            new = statement.visit(rewriter)
        elif statement in around:
            new = statement.with_changes(body=_within(statement.body, units, around, rewriter))
        if isinstance(new, cst.FlattenSentinel):
            body.extend(new)
        elif isinstance(new, cst.CSTNode):
            body.append(new)
    return holder.with_changes(body=body)


class _Rewriter(cst.CSTTransformer):
    def __init__(self, changes: Mapping[cst.CSTNode, Change]) -> None:
        super().__init__()
        self.changes = changes

    def on_leave(self, original_node: cst.CSTNode, updated_node: Any) -> Any:
        change = self.changes.get(original_node)
        return updated_node if change is None else change(updated_node)

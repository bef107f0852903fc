"""Shapes of code that several mutators look for."""

import ast
import re
from collections.abc import Iterator

from planting.source import Function, Source

LEAVES = (ast.Raise, ast.Return, ast.Break, ast.Continue)


def leaves(branch: ast.If) -> bool:
    """Whether the branch has no other one, and ends by leaving."""
    return not branch.orelse and isinstance(branch.body[-1], LEAVES)


def guards(source: Source, function: Function, pattern: str) -> Iterator[ast.If]:
    """Branches that leave, whose condition reads like `pattern`."""
    for node in source.inside(function):
        if isinstance(node, ast.If) and leaves(node) and re.search(pattern, ast.unparse(node.test)):
            yield node


def calls(source: Source, function: Function, pattern: str) -> Iterator[ast.Call]:
    """Calls of something whose dotted name reads like `pattern`."""
    for node in source.inside(function):
        if isinstance(node, ast.Call) and re.search(pattern, ast.unparse(node.func)):
            yield node


def keyword_removed(source: Source, call: ast.Call, name: str) -> str:
    """Text of a call without one of its keywords."""
    kept = [source.segment(argument) for argument in call.args]
    kept += [source.segment(keyword) for keyword in call.keywords if keyword.arg != name]
    return f"{source.segment(call.func)}({', '.join(kept)})"


def names(node: ast.AST, name: str) -> bool:
    """Whether a name is used somewhere below a node."""
    return any(isinstance(inner, ast.Name) and inner.id == name for inner in ast.walk(node))

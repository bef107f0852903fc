"""Shapes of code that several mutators look for."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from planting.source import Edit, Function, Source

Node = TypeVar("Node", bound=ast.AST)
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


def made_without(source: Source, call: ast.Call, name: str, qualname: str) -> Edit:
    """The change that makes an object without one of its settings: what it does later is wrong, not its making."""
    return replace(source.replace(call, keyword_removed(source, call, name), qualname), acts_later=True)


def broad(kind: ast.expr | None) -> bool:
    """Whether a clause takes any exception."""
    return kind is None or ast.unparse(kind) in ("Exception", "BaseException")


def answering(source: Source, function: Function) -> Iterator[tuple[ast.Try, ast.ExceptHandler]]:
    """Clauses that raise nothing, each with its `try`."""
    for node in source.inside(function):
        if isinstance(node, ast.Try):
            for handler in node.handlers:
                if not any(isinstance(inner, ast.Raise) for inner in ast.walk(handler)):
                    yield node, handler


def inside(statements: list[ast.stmt], kind: type[Node]) -> Iterator[Node]:
    """Nodes of a kind anywhere in some statements."""
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, kind):
                yield node


def names(node: ast.AST, name: str) -> bool:
    """Whether a name is used somewhere below a node."""
    return any(isinstance(inner, ast.Name) and inner.id == name for inner in ast.walk(node))

"""Loops over what a model may hand out piece by piece: rewritten so that the probe sees the pieces (see `streams.py`).

    for chunk in stream:            for chunk in @hf.follow(stream).pieces():

    async for chunk in stream:      async for chunk in (@f := @hf.follow(stream)).source():
                                        @f.piece(chunk)

Where a planned call makes the stream, it is made in a statement before, which is recorded like any other.
"""

from __future__ import annotations

import ast
import re

from .nodes import PROBE, at, breaks, call, statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Over = Union[ast.For, ast.AsyncFor]

# Most loops go through lists: one that is not asynchronous is looked at where a name in it speaks of such a thing.
_LIKE = re.compile(r"stream|chunk|event|delta|token|piece|response|reply|answer|completion|generat", re.IGNORECASE)


def may_stream(node: Over) -> bool:
    """Whether a loop may go through the pieces of an answer."""
    names = [*_names(node.iter), *_names(node.target)]
    return isinstance(node, ast.AsyncFor) or any(_LIKE.search(name) for name in names)


def follow(node: Over, site: int | None, hidden: bool) -> list[ast.stmt]:
    """The statements in the place of a loop.

    Args:
        node: the loop; its body is instrumented already.
        site: number of the planned call in what it goes through, which is instrumented already; None for none.
        hidden: whether the function may have a local name that cannot be written in Python.
    """
    name = f"@f{node.lineno}.{node.col_offset}"
    asked = at(call(PROBE, "follow", node.iter), node.iter)
    before: list[ast.stmt] = []
    follower: ast.expr = asked
    if site is not None:
        made = at(ast.Assign([ast.Name(name, ast.Store())], asked), node)
        before.append(at(ast.With([ast.withitem(call(PROBE, "site", ast.Constant(site)))], [made]), node))
        follower = ast.Name(name, ast.Load())
    if isinstance(node, ast.For):
        node.iter = at(_method(follower, "pieces"), node.iter)
        return [*before, node]
    target = _again(node.target)
    if target is None or not hidden:
        return [*before, node]
    if site is None:
        follower = ast.NamedExpr(ast.Name(name, ast.Store()), asked)
    node.iter = at(_method(follower, "source"), node.iter)
    node.body = breaks(name, 0, node.body)
    node.body.insert(0, statement(call(name, "piece", target), node.body[0]))
    node.orelse.insert(0, statement(call(name, "left", 0, "exhausted"), node))
    return [*before, node]


def _method(owner: ast.expr, name: str) -> ast.Call:
    return ast.Call(ast.Attribute(owner, name, ast.Load()), [], [])


def _names(node: ast.expr) -> list[str]:
    found = []
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            found.append(inner.id)
        elif isinstance(inner, ast.Attribute):
            found.append(inner.attr)
    return found


def _again(target: ast.expr) -> ast.expr | None:
    """A target of names, as a value; None for any other."""
    if isinstance(target, ast.Name):
        return ast.Name(target.id, ast.Load())
    if isinstance(target, ast.Tuple):
        parts = [_again(part) for part in target.elts]
        known = [part for part in parts if part is not None]
        return ast.Tuple(list[ast.expr](known), ast.Load()) if len(known) == len(parts) else None
    return None

"""A list or mapping that loses members while a loop goes through it: members are skipped, or the loop fails."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted, inside
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import LOOPS, hazard

_REMOVES = ("remove", "pop", "popitem", "clear", "discard", "popleft", "insert")
_VIEWS = (".items()", ".keys()", ".values()")


class ChangedWhileIterated(Role):
    """`for message in messages: … messages.remove(message)`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.scopes:
            for loop in scope.for_loops:
                name = dotted(loop.iter, scope)
                for view in _VIEWS:
                    name = name.removesuffix(view)
                if not name or "()" in name or "[]" in name:
                    continue
                changes = (n for n in inside(loop.body) if isinstance(n, (ast.Call, ast.Delete)))
                change = next((n for n in changes if _removes(n, name, scope)), None)
                if change is not None and not _leaves(change, loop, file) and not _rebound(name, loop, scope):
                    yield hazard("changed-while-iterated", scope, change).add("what", name).add("loop", loop.lineno)


def _removes(node: ast.Call | ast.Delete, name: str, scope: Scope) -> bool:
    if isinstance(node, ast.Delete):
        return any(isinstance(t, ast.Subscript) and dotted(t.value, scope) == name for t in node.targets)
    func = node.func
    return isinstance(func, ast.Attribute) and func.attr in _REMOVES and dotted(func.value, scope) == name


def _leaves(change: ast.AST, loop: ast.stmt, file: FileContext) -> bool:
    """Whether the loop ends in the block that removes."""
    for around in (change, *file.ancestors(change)):
        if around is loop:
            return False
        block = _block(around, file)
        if any(isinstance(s, (ast.Break, ast.Return, ast.Raise)) for s in block):
            return True
        if isinstance(around, LOOPS):
            return True  # a loop of its own inside: not sure which one it is about
    return False


def _block(node: ast.AST, file: FileContext) -> list[ast.stmt]:
    around = file.parents.get(node)
    for field in ("body", "orelse", "finalbody"):
        block = getattr(around, field, None)
        if isinstance(block, list) and node in block:
            return block[block.index(node) :]
    return []


def _rebound(name: str, loop: ast.For | ast.AsyncFor, scope: Scope) -> bool:
    """Whether the loop body gives the name another value, so that the loop goes on with the old one."""
    return any(
        isinstance(n, ast.Assign) and any(dotted(t, scope) == name for t in n.targets) for n in inside(loop.body)
    )

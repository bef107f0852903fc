"""Every item of a loop sets a name, also one that has nothing for it; what an earlier item said is gone."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import inside, is_none
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard, read_behind, targets_in


class ErasedByLaterItem(Role):
    """`for chunk in stream: usage = getattr(chunk, "usage", None)`, and `usage` is read behind the loop."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for loop in scope.for_loops:
                if any(isinstance(node, (ast.Break, ast.Return)) for node in inside(loop.body)):
                    continue  # a search, which ends with the item that it looks for
                items = {name.id for name in targets_in(loop.target)}
                for node in loop.body:
                    name = _set_by_each(node, items)
                    if name and _is_kept(name, loop, scope):
                        yield hazard("erased-by-later-item", scope, node).add("name", name)


def _set_by_each(node: ast.stmt, items: set[str]) -> str:
    """The name that a statement sets to something of an item, or to None where the item lacks it; else empty."""
    if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
        return ""
    value = node.value
    of_item = any(isinstance(inner, ast.Name) and inner.id in items for inner in walk(value))
    return node.targets[0].id if of_item and _may_be_none(value) else ""


def _may_be_none(value: ast.expr) -> bool:
    if isinstance(value, ast.IfExp):
        return is_none(value.orelse) or is_none(value.body)
    if not isinstance(value, ast.Call) or value.keywords:
        return False
    if isinstance(value.func, ast.Name):
        return value.func.id == "getattr" and len(value.args) == 3 and is_none(value.args[2])
    looked_up = isinstance(value.func, ast.Attribute) and value.func.attr == "get"
    return looked_up and (len(value.args) == 1 or (len(value.args) == 2 and is_none(value.args[1])))


def _is_kept(name: str, loop: ast.For | ast.AsyncFor, scope: Scope) -> bool:
    """Whether a name is None ahead of the loop and set in this one place, read behind the loop alone."""
    values = scope.bindings.get(name, ())
    ahead = [value for value in values if value.lineno < loop.lineno]
    read = (node for node in inside(loop.body) if isinstance(node, ast.Name) and node.id == name)
    alone = not any(isinstance(node.ctx, ast.Load) for node in read)
    return len(values) == 2 and len(ahead) == 1 and is_none(ahead[0]) and alone and read_behind(name, loop, scope)

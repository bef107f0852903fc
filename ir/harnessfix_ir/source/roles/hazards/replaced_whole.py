"""Several mappings are merged, and what is a mapping inside them is taken whole from the last one that has it."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard


class ReplacedWhole(Role):
    """`for config in configs: for key, value in config.items(): merged[key] = value.copy()`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            several = scope.function.args.vararg
            for outer in scope.of(ast.For) if several is not None else ():
                if dotted(outer.iter, scope) != (several.arg if several else "") or not isinstance(
                    outer.target, ast.Name
                ):
                    continue
                for inner in walk(outer):
                    if isinstance(inner, ast.For) and inner is not outer:
                        yield from _replaced(inner, outer.target.id, scope)


def _replaced(loop: ast.For, one: str, scope: Scope) -> Iterator[Draft]:
    """The first value of one of the mappings that is copied into the merged one without a look at what is there."""
    items = loop.iter.func if isinstance(loop.iter, ast.Call) else None
    of_one = isinstance(items, ast.Attribute) and items.attr == "items" and dotted(items.value, scope) == one
    if not of_one or not isinstance(loop.target, ast.Tuple):
        return
    key, value = (part.id if isinstance(part, ast.Name) else "" for part in loop.target.elts)
    for node in walk(loop):
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if not isinstance(target, ast.Subscript) or not isinstance(node, ast.Assign):
            continue
        into = dotted(target.value, scope)
        if dotted(target.slice, scope) == key and _copies(node.value, value) and not _looks(into, key, scope):
            yield hazard("replaced-whole", scope, node).add("into", into)
            return


def _copies(given: ast.expr, value: str) -> bool:
    func = given.func if isinstance(given, ast.Call) else None
    copied = isinstance(func, ast.Attribute) and func.attr == "copy"
    return copied and any(isinstance(node, ast.Name) and node.id == value for node in walk(given))


def _looks(into: str, key: str, scope: Scope) -> bool:
    """Whether the function reads what the merged mapping holds under the key."""
    read = any(
        isinstance(node.ctx, ast.Load) and dotted(node.value, scope) == into and dotted(node.slice, scope) == key
        for node in scope.of(ast.Subscript)
    )
    return read or any(
        isinstance(call.func, ast.Attribute)
        and call.func.attr in ("get", "setdefault", "pop")
        and dotted(call.func.value, scope) == into
        and bool(call.args)
        and dotted(call.args[0], scope) == key
        for call in scope.of(ast.Call)
    )

"""Tools go into a mapping under names that are worked out, and nothing asks whether the name is taken."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, dotted, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_TOOLS = re.compile(r"(^|_)(tools|functions|handlers|actions|skills)(_|$)")


class UncheckedRename(Role):
    """`tools[new_names.get(name)] = tool` in a loop over tools: two of one name are one."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for loop in scope.for_loops:
                for node in walk(loop):
                    target = node.targets[0] if isinstance(node, ast.Assign) else None
                    if isinstance(target, ast.Subscript) and _is_renamed(target, scope):
                        name = dotted(target.value, scope)
                        if not _asks(name, scope):
                            yield hazard("unchecked-rename", scope, target).add("into", name)


def _is_renamed(target: ast.Subscript, scope: Scope) -> bool:
    """Whether a mapping of tools that the function makes gets something under a name looked up in another mapping."""
    name, key = target.value, target.slice
    if not (isinstance(name, ast.Name) and _TOOLS.search(name.id) and isinstance(key, ast.Name)):
        return False
    made = [v for v in scope.bindings.get(name.id, []) if isinstance(v, ast.Dict) and not v.keys]
    return bool(made) and any(_looks_up(value, scope) for value in scope.bindings.get(key.id, []))


def _looks_up(value: ast.expr, scope: Scope) -> bool:
    found = [node for node in walk(value) if isinstance(node, ast.Call)]
    return any(last(callee(call, scope)) == "get" and call.args for call in found)


def _asks(name: str, scope: Scope) -> bool:
    """Whether the function tests what is in the mapping already."""
    for node in scope.of(ast.Compare):
        asks = any(isinstance(op, (ast.In, ast.NotIn)) for op in node.ops)
        if asks and any(dotted(part, scope) == name for part in node.comparators):
            return True
    return any(isinstance(c.func, ast.Attribute) and dotted(c.func.value, scope) == name for c in scope.of(ast.Call))

"""A function that was handed in gets another signature, name or text, for everybody who calls it."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_OWN = frozenset(
    f"__{word}__" for word in ("signature", "name", "qualname", "annotations", "defaults", "kwdefaults", "code")
)
_SAME = frozenset(("staticmethod", "classmethod"))


class AlteredFunction(Role):
    """`def tool(function): Tool.forward = staticmethod(function); Tool.forward.__signature__ = …`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            changes = [(t, n) for n in scope.of(ast.Assign) for t in n.targets if _is_own(t)]
            if not changes or all(node.value is None for node in scope.of(ast.Return)):  # that is what it is for
                continue
            same = {name: name for name in scope.params if name not in ("self", "cls") and name not in scope.bindings}
            same |= _other_names(same, scope, file)
            for target, node in changes:
                assert isinstance(target, ast.Attribute)
                given = same.get(file.segment(target.value, 80))
                if given is not None and not _handed_back(given, scope):
                    yield hazard("altered-function", scope, node).add("name", given).add("change", target.attr)
                    break


def _is_own(target: ast.expr) -> bool:
    return isinstance(target, ast.Attribute) and target.attr in _OWN


def _other_names(given: dict[str, str], scope: Scope, file: FileContext) -> dict[str, str]:
    """Other expressions that stand for a parameter: `Tool.forward` after `Tool.forward = staticmethod(function)`."""
    found = {}
    for node in scope.assignments:
        value = node.value
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in _SAME and value.args:
            value = value.args[0]
        if isinstance(value, ast.Name) and value.id in given:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found.update({file.segment(target, 80): value.id for target in targets})
    return found


def _handed_back(name: str, scope: Scope) -> bool:
    """Whether the very function is returned: whoever decorates one knows that it is another afterwards."""
    return any(isinstance(node.value, ast.Name) and node.value.id == name for node in scope.of(ast.Return))

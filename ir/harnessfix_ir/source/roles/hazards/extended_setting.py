"""A list of settings that belongs to an object somebody else made is extended: all who share the object get it."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted, text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, targets_of

from .base import hazard

_SHARED = re.compile(r"(^|[._])(llm|model|client|model_client|config|settings|options|provider|environment|env)$")
_KEPT = re.compile(r"state|history|messages|usage|cost|count|total|calls|cache|metric|tokens|log|result|events")


class ExtendedSetting(Role):
    """`self.llm.stop = list(set(self.llm.stop + own))` of a model that was handed in and nobody gets back as it was."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for node in scope.of(ast.Assign):
                target = node.targets[0]
                if not isinstance(target, ast.Attribute) or _KEPT.search(target.attr):
                    continue
                owner = dotted(target.value, scope)
                if (
                    not owner.startswith("self.")
                    or not _SHARED.search(owner)
                    or _is_made_here(owner, scope)
                    or _is_put_back(node, target, scope)
                ):
                    continue
                if _extends(node.value, owner, target.attr, scope):
                    yield hazard("extended-setting", scope, node).add("owner", owner).add("setting", target.attr)


def _is_made_here(owner: str, scope: Scope) -> bool:
    """Whether the object is made, or copied, by the same class or function."""
    around = scope.owner.methods if owner.startswith("self.") and scope.owner is not None else [scope]
    return any(
        isinstance(node.value, (ast.Call, ast.Await)) and any(dotted(t, one) == owner for t in targets_of(node))
        for one in around
        for node in one.assignments
    )


def _extends(value: ast.expr, owner: str, setting: str, scope: Scope) -> bool:
    """Whether the new value is the former one with more in it."""
    parts = [node for node in walk(value) if isinstance(node, (ast.BinOp, ast.List, ast.Set, ast.Dict))]
    grown = [part for part in parts if _joins(part)]
    return any(_reads(inner, owner, setting, scope) for part in grown for inner in walk(part))


def _joins(part: ast.expr) -> bool:
    if isinstance(part, ast.BinOp):
        return isinstance(part.op, (ast.Add, ast.BitOr)) and not isinstance(part.right, ast.Constant)
    if isinstance(part, ast.Dict):
        return any(key is None for key in part.keys)
    return isinstance(part, (ast.List, ast.Set)) and any(isinstance(item, ast.Starred) for item in part.elts)


def _reads(node: ast.AST, owner: str, setting: str, scope: Scope, depth: int = 1) -> bool:
    """Whether an expression is the setting, or a name for what the setting was."""
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        return node.attr == setting and dotted(node.value, scope) == owner
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
        return len(node.args) > 1 and text_of(node.args[1]) == setting and dotted(node.args[0], scope) == owner
    if isinstance(node, ast.Name) and depth:
        values = scope.bindings.get(node.id, [])
        return any(_reads(inner, owner, setting, scope, depth - 1) for value in values for inner in walk(value))
    return False


def _is_put_back(node: ast.Assign, target: ast.Attribute, scope: Scope) -> bool:
    """Whether the function gives the setting another value later on: in a `finally`, say."""
    name = dotted(target, scope)
    return any(
        other.lineno > node.lineno and any(dotted(t, scope) == name for t in targets_of(other))
        for other in scope.assignments
    )

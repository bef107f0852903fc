"""An object is made anew from another of its class, field by field, and some fields are not carried over."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import has_star_keywords, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, all_arguments

from .base import hazard

_LEAST = 3
_OWN = re.compile(r"(^|_)(id|uuid|timestamp|created|created_at|updated_at|hash|lock|cache|parent|version)$|^_")
_FRESH = re.compile(r"new|fresh|empty|reset|initial|child|fork|spawn|without|strip|redact|minimal|summary|public")


class RebuiltWithout(Role):
    """`Settings(model=self.model, tools=self.tools)` in a method of `Settings`, which has `limits` too."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        classes = {owner.name: owner for owner in file.classes}
        for scope in file.functions:
            if _FRESH.search(scope.name):
                continue
            for call in scope.of(ast.Call):
                owner = _class_of(call, scope, classes)
                if owner is None or call.args or has_star_keywords(call):
                    continue
                source, carried = _carried(call)
                if len(carried) < _LEAST or not _is_one(source, owner, scope):
                    continue
                given = {k.arg for k in call.keywords if k.arg}
                left = [name for name in _fields(owner) if name not in given and not _OWN.search(name)]
                if left and len(left) <= len(carried) and not _written_later(left, scope):
                    draft = hazard("rebuilt-without", scope, call).add("class", owner.name)
                    yield draft.add("leaves-out", [*left[:4]]).add("from", source)


def _class_of(call: ast.Call, scope: Scope, classes: dict[str, Scope]) -> Scope | None:
    func = call.func
    if isinstance(func, ast.Name):
        return classes.get(func.id) if func.id != "cls" else scope.owner
    own = isinstance(func, ast.Attribute) and func.attr == "__class__" and isinstance(func.value, ast.Name)
    return scope.owner if own else None


def _carried(call: ast.Call) -> tuple[str, list[str]]:
    """The object that most keywords are taken from by their own names, and those names."""
    found: dict[str, list[str]] = {}
    for given in call.keywords:
        value = given.value
        if isinstance(value, ast.Call) and len(value.args) <= 1:  # a copy of it
            value = value.args[0] if value.args else getattr(value.func, "value", value)
        if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name) and given.arg == value.attr:
            found.setdefault(value.value.id, []).append(value.attr)
    return max(found.items(), key=lambda item: len(item[1]), default=("", []))


def _is_one(source: str, owner: Scope, scope: Scope) -> bool:
    """Whether a name stands for an object of the class."""
    if source == "self":
        return scope.owner is owner
    if not scope.is_function:
        return False
    given = next((a for a in all_arguments(scope.function.args) if a.arg == source), None)
    if given is None or given.annotation is None:
        return False
    said = ast.unparse(given.annotation).strip("\"'")
    return last(said.partition("[")[0]) == owner.name or (said == "Self" and scope.owner is owner)


def _fields(owner: Scope) -> list[str]:
    """What a class can be made with: parameters of `__init__`, else its annotated fields."""
    start = owner.method("__init__")
    if start is not None:
        return [a.arg for a in all_arguments(start.function.args) if a is not start.function.args.kwarg][1:]
    found = []
    for node in owner.of(ast.AnnAssign):
        said = ast.unparse(node.annotation)
        settable = not (isinstance(node.value, ast.Call) and any(k.arg == "init" for k in node.value.keywords))
        if isinstance(node.target, ast.Name) and settable and "ClassVar" not in said and "PrivateAttr" not in said:
            found.append(node.target.id)
    return found


def _written_later(left: list[str], scope: Scope) -> bool:
    """Whether the function names one of the fields anywhere else: it is left out on purpose, or set afterwards."""
    named = {node.attr for node in scope.deep(ast.Attribute)} | {node.id for node in scope.deep(ast.Name)}
    named |= {node.value for node in scope.deep(ast.Constant) if isinstance(node.value, str)}
    return any(name in named for name in left)

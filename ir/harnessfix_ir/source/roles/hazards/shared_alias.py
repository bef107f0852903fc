"""A local name for a container that belongs to something shared, and the container is then changed through it."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_CHANGES = frozenset(("append", "extend", "insert", "update", "add", "pop", "popitem", "remove", "clear", "setdefault"))
# Modules whose containers are changed to have an effect on the process, and what is kept to be added to.
_OF_PROCESS = re.compile(r"^(sys|os|logging|signal|warnings|threading|builtins|typing)(\.|$)")
_KEPT = re.compile(
    r"cache|registr|pool|known|seen|memo|handlers|plugins|modules|queue|pending|stack|trace|histor|log|record|__\w+__",
    re.IGNORECASE,
)


class SharedAlias(Role):
    """`callbacks = settings.callbacks` and then `callbacks.append(…)`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for node in scope.assignments:
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                value = node.value
                if not isinstance(target, ast.Name) or not isinstance(value, ast.Attribute):
                    continue
                if len(scope.bindings.get(target.id, ())) != 1 or not _is_shared(value, scope):
                    continue
                change = next(_changes(target.id, scope), None)
                if change is not None:
                    draft = hazard("shared-alias", scope, node).add("of", file.segment(value, 60))
                    yield draft.add("change", file.segment(change, 60), change.lineno)


def _is_shared(value: ast.Attribute, scope: Scope) -> bool:
    """Whether an attribute belongs to an object of the module or of another one."""
    owner = value.value
    while isinstance(owner, ast.Attribute):
        owner = owner.value
    if not isinstance(owner, ast.Name) or owner.id in ("self", "cls") or _KEPT.search(value.attr):
        return False
    around: Scope | None = scope
    while around is not None:
        local = {n.id for n in around.of(ast.Name) if isinstance(n.ctx, ast.Store)} if around.is_function else set()
        if around.is_function and (owner.id in around.params or owner.id in local):
            return False
        around = around.parent
    return _OF_PROCESS.search(scope.resolve(owner.id)) is None


def _changes(name: str, scope: Scope) -> Iterator[ast.expr | ast.stmt]:
    """Expressions and statements that change what a name stands for, in place."""
    for call in scope.of(ast.Call):
        func = call.func
        if isinstance(func, ast.Attribute) and func.attr in _CHANGES and _is(func.value, name):
            yield call
    for assigned in scope.of(ast.Assign):
        if any(isinstance(target, ast.Subscript) and _is(target.value, name) for target in assigned.targets):
            yield assigned
    for added in scope.of(ast.AugAssign):
        if _is(added.target, name) and isinstance(added.value, (ast.List, ast.ListComp, ast.Dict, ast.Set)):
            yield added


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name

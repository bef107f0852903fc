"""A default that all calls share is changed: what one call puts there is in the next."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import defaults_of, dotted, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, targets_of

from .base import hazard

_CHANGES = frozenset(("append", "extend", "insert", "update", "add", "pop", "popitem", "remove", "clear", "setdefault"))
_EMPTY = frozenset(("list", "dict", "set", "defaultdict", "OrderedDict", "deque", "Counter"))
_LOCKS = frozenset(("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition"))
_KEPT = re.compile(
    r"cache|registr|pool|known|seen|memo|intern|lock|handlers|plugins|_types$|warned|instances|counter|(?-i:^_?[A-Z][A-Z0-9_]*$)",
    re.IGNORECASE,
)
_COPIES = re.compile(r"(^|\.)(BaseModel|BaseSettings|TypedDict|NamedTuple|Protocol|Enum|\w*Schema|\w*Config|\w*Model)$")


class ChangedDefault(Role):
    """`def ask(messages=[])` with `messages.append(…)`; a class's `history = []` with `self.history.append(…)`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for name, default in defaults_of(scope.function):
                if _is_container(default, scope) and name not in scope.bindings:
                    change = next(_changes(name, scope), None)
                    if change is not None and not _KEPT.search(name):
                        draft = hazard("changed-default", scope, default).add("name", name).add("whose", "parameter")
                        yield draft.add("change", file.segment(change, 60), change.lineno)
        for owner in file.classes:
            yield from _of_class(owner, file)


def _of_class(owner: Scope, file: FileContext) -> Iterator[Draft]:
    node = owner.node
    if not isinstance(node, ast.ClassDef) or node.decorator_list:
        return
    if any(_COPIES.search(dotted(base, owner).removesuffix("[]")) for base in node.bases) or len(node.bases) > 1:
        return
    methods = owner.methods
    if _is_shared_on_purpose(owner):
        return
    for assigned in owner.assignments:
        target = targets_of(assigned)[0]
        if not isinstance(target, ast.Name) or assigned.value is None or not _is_container(assigned.value, owner):
            continue
        if "ClassVar" in (ast.unparse(assigned.annotation) if isinstance(assigned, ast.AnnAssign) else ""):
            continue
        own = f"self.{target.id}"
        if _KEPT.search(target.id) or any(_sets(own, m) or _is_of_class(target.id, m, owner) for m in methods):
            continue
        change = next((c for method in methods for c in _changes(own, method)), None)
        if change is not None:
            draft = hazard("changed-default", owner, assigned).add("name", target.id).add("whose", "class")
            yield draft.add("change", file.segment(change, 60), change.lineno)


def _is_shared_on_purpose(owner: Scope) -> bool:
    """Whether the class has one object alone (`__new__` keeps it), or a lock of its own guards what it holds."""
    node = owner.node
    if isinstance(node, ast.ClassDef) and any("singleton" in dotted(k.value, owner).lower() for k in node.keywords):
        return True
    maker = owner.method("__new__")
    kept = (node for node in maker.of(ast.Attribute) if isinstance(node.ctx, ast.Store)) if maker is not None else ()
    if any(dotted(node.value, owner) in ("cls", owner.name) for node in kept):
        return True
    made = (node.value for node in owner.assignments)
    return any(isinstance(value, ast.Call) and last(dotted(value.func, owner)) in _LOCKS for value in made)


def _is_container(value: ast.expr, scope: Scope) -> bool:
    if isinstance(value, (ast.List, ast.Dict, ast.Set)):
        return True
    return isinstance(value, ast.Call) and last(dotted(value.func, scope)) in _EMPTY


def _sets(name: str, scope: Scope) -> bool:
    return any(dotted(target, scope) == name for node in scope.assignments for target in targets_of(node))


def _is_of_class(name: str, method: Scope, owner: Scope) -> bool:
    """Whether a method asks the class itself for what all objects share: it is shared on purpose."""
    asked = (f"cls.{name}", f"{owner.name}.{name}", f"type().{name}")
    return any(node.attr == name and dotted(node, method) in asked for node in method.deep(ast.Attribute))


def _changes(name: str, scope: Scope) -> Iterator[ast.expr | ast.stmt]:
    """What changes, in place, the thing that a name stands for."""
    for call in scope.of(ast.Call):
        func = call.func
        if isinstance(func, ast.Attribute) and func.attr in _CHANGES and dotted(func.value, scope) == name:
            yield call
    for assigned in scope.of(ast.Assign):
        for target in assigned.targets:
            if isinstance(target, ast.Subscript) and dotted(target.value, scope) == name:
                yield assigned
    for added in scope.of(ast.AugAssign):
        if dotted(added.target, scope) == name or (
            isinstance(added.target, ast.Subscript) and dotted(added.target.value, scope) == name
        ):
            yield added

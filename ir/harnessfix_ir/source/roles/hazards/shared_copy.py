"""A shallow copy whose inner lists and dictionaries are then changed in place: the original changes with it.

A change may stand in a function of the same file that the copy is handed to, or in a method of the same class.
"""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, dotted, is_true, keyword, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, targets_of

from .base import hazard, holds, loops_around

_CHANGES = frozenset(("append", "extend", "insert", "update", "add", "pop", "popitem", "remove", "clear", "setdefault"))
_COPIES = frozenset(("copy.copy", "copy", "dataclasses.replace", "replace"))
# (position of a parameter, attribute of it): what a function changes in place.
Changed = set[tuple[int, str]]


class SharedCopy(Role):
    """`new = copy(self)` and then `new.details[key] = …`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        changes: dict[str, Changed] | None = None
        for scope in file.functions:
            for name, call, source in _copies(scope, file):
                if source == "self" and _copies_deeper(scope.owner, file):
                    continue
                if changes is None:
                    changes = _changes_in(file)
                renewed = _renewed(name, scope) | {k.arg for k in call.keywords if k.arg}
                found = sorted(
                    {
                        attr
                        for attr, change in _changed(name, scope, changes)
                        if attr not in renewed and attr[:2] != "__" and _meets(name, call, change, scope, file)
                    }
                )
                if found:
                    yield hazard("shared-copy", scope, call).add("of", source).add("changes", [*found])


def _copies(scope: Scope, file: FileContext) -> Iterator[tuple[str, ast.Call, str]]:
    """Names bound to a shallow copy, the copying call, and the source of what is copied."""
    for node in scope.assignments:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        call = node.value
        if not isinstance(target, ast.Name) or not isinstance(call, ast.Call):
            continue
        name = callee(call, scope)
        if name in _COPIES and call.args:
            yield target.id, call, file.segment(call.args[0])
        elif last(name) == "model_copy" and not is_true(keyword(call, "deep")) and isinstance(call.func, ast.Attribute):
            yield target.id, call, file.segment(call.func.value)


def _copies_deeper(owner: Scope | None, file: FileContext) -> bool:
    """Whether a class, or one that it derives from in this file, says itself how it is copied."""
    classes = {scope.name: scope for scope in file.classes}
    pending, seen = [owner] if owner is not None else [], set()
    while pending:
        found = pending.pop()
        seen.add(found.name)
        if any(child.name in ("__copy__", "__replace__", "__deepcopy__") for child in found.children):
            return True
        assert isinstance(found.node, ast.ClassDef)
        bases = [last(dotted(base, found).removesuffix("[]")) for base in found.node.bases]
        pending.extend(classes[base] for base in bases if base in classes and base not in seen)
    return False


def _renewed(name: str, scope: Scope) -> set[str]:
    """Attributes of the copy that are given a value of their own."""
    return {
        target.attr
        for node in scope.assignments
        for target in targets_of(node)
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == name
    }


def _meets(name: str, copying: ast.Call, change: ast.AST, scope: Scope, file: FileContext) -> bool:
    """Whether a change may meet the copy: it comes later, or in a later round of a loop around both, and the name has
    not been given something else on the way."""
    around = list(file.ancestors(change))
    sources = [n for n in scope.of(ast.Name) if n.id == name and isinstance(n.ctx, ast.Store)]
    begins = copying.end_lineno or copying.lineno
    if _line(change) <= begins:
        loops = [loop for loop in loops_around(change, file) if holds(loop, copying)]
        if not loops:
            return False
        begins = loops[-1].lineno - 1  # what the outermost loop around both binds anew comes in between
    return not any(begins < n.lineno <= _line(change) and _block(n, file) in around for n in sources)


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)


def _block(target: ast.Name, file: FileContext) -> ast.AST | None:
    """What a binding holds for: the loop that binds its variable, else what stands around the statement."""
    for around in file.ancestors(target):
        if isinstance(around, (ast.For, ast.AsyncFor)):
            return around
        if isinstance(around, ast.stmt):
            return file.parents.get(around)
    return None


def _changed(name: str, scope: Scope, changes: dict[str, Changed]) -> Iterator[tuple[str, ast.AST]]:
    """Attributes of a name that are changed in place, and where: here, by a method of it, or by a function that it is
    handed to."""
    yield from ((attr, node) for owner, attr, node in _in_place(scope) if owner == name)
    for call in scope.of(ast.Call):
        func = call.func
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id == name:
            owner = scope.owner.name if scope.owner is not None else ""
            yield from ((attr, call) for at, attr in changes.get(f"{owner}.{func.attr}", ()) if at == 0)
        if isinstance(func, ast.Name):
            given = [place for place, value in enumerate(call.args) if isinstance(value, ast.Name) and value.id == name]
            yield from ((attr, call) for at, attr in changes.get(func.id, ()) if at in given)


def _in_place(scope: Scope) -> Iterator[tuple[str, str, ast.AST]]:
    """`name.attr[key] = …`, `name.attr[key] += …`, `name.attr.append(…)`: the name, the attribute and the change."""
    targets: list[ast.AST] = [t for node in scope.of(ast.Assign) for t in node.targets]
    targets += [node.target for node in scope.of(ast.AugAssign)]
    targets += [t for node in scope.of(ast.Delete) for t in node.targets]
    for target in targets:
        if isinstance(target, ast.Subscript) and (found := _attribute(target.value)) is not None:
            yield *found, target
    for call in scope.of(ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr in _CHANGES:
            found = _attribute(call.func.value)
            if found is not None:
                yield *found, call


def _attribute(node: ast.AST) -> tuple[str, str] | None:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id, node.attr
    return None


def _changes_in(file: FileContext) -> dict[str, Changed]:
    """What each function of the file changes in place, by its name, methods as `Class.name` under all heirs' names.

    A function that hands a parameter on to another one changes what that one changes; two rounds are enough for the
    helper of a helper.
    """
    found: dict[str, Changed] = {}
    functions = list(file.functions)
    for _ in range(2):
        for scope in functions:
            params = scope.params
            places = {name: at for at, name in enumerate(params)}
            own = {(places[name], attr) for name, attr, _ in _in_place(scope) if name in places}
            own -= {(places[name], attr) for name in params for attr in _renewed(name, scope)}
            for call in scope.of(ast.Call):
                if isinstance(call.func, ast.Name) and call.func.id in found:
                    for at, attr in found[call.func.id]:
                        value = call.args[at] if at < len(call.args) else None
                        if isinstance(value, ast.Name) and value.id in places:
                            own.add((places[value.id], attr))
            if own:
                name = scope.name if scope.owner is None else f"{scope.owner.name}.{scope.name}"
                found.setdefault(name, set()).update(own)
    return found

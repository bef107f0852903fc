"""A count in a state that outlives the run is held against a limit, and only other entries are set back."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import last, text_of, words_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, targets_of
from harnessfix_ir.source.words import COUNTER_NAME, LIMIT_NAME

from .base import hazard


class SpentKey(Role):
    """`state["count"] += 1` against a limit, and `state["printed"] = Output()` is all that a new run begins with."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for counting in file.functions:
            for moved in counting.of(ast.AugAssign):
                entry = _entry(moved.target)
                if entry is None or entry[0] not in counting.params or not _is_limited(*entry, counting):
                    continue
                beginning = _beginning(*entry, counting, file)
                if beginning is not None:
                    scope, node = beginning
                    yield (
                        hazard("spent-counter", scope, node)
                        .add("name", f"{entry[0]}[{entry[1]!r}]")
                        .add("compares", f"{counting.qualname}, line {moved.lineno}", moved.lineno)
                    )


def _entry(node: ast.expr) -> tuple[str, str] | None:
    """Name and key of `name["key"]`."""
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        key = text_of(node.slice)
        return (node.value.id, key) if key is not None else None
    return None


def _is_limited(name: str, key: str, scope: Scope) -> bool:
    """Whether the count is compared with something that is named like a limit."""
    if not COUNTER_NAME.search(key):
        return False
    for compare in scope.of(ast.Compare):
        if len(compare.ops) == 1 and isinstance(compare.ops[0], (ast.Lt, ast.LtE, ast.Gt, ast.GtE)):
            sides = (compare.left, compare.comparators[0])
            counts = [side for side in sides if _reads(side, name, key)]
            if counts and any(LIMIT_NAME.search(w) for s in sides if s not in counts for w in words_in(s)):
                return True
    return False


def _reads(side: ast.expr, name: str, key: str) -> bool:
    if isinstance(side, ast.Call) and isinstance(side.func, ast.Attribute) and side.args:
        owner = side.func.value
        same = isinstance(owner, ast.Name) and owner.id == name and text_of(side.args[0]) == key
        return same and side.func.attr in ("get", "setdefault")
    return _entry(side) == (name, key)


def _beginning(name: str, key: str, counting: Scope, file: FileContext) -> tuple[Scope, ast.stmt] | None:
    """The one function that is handed the state, gives an entry of it a new value, and sets the work going."""
    found = None
    for scope in file.functions:
        for node in scope.assignments:
            for target in targets_of(node):
                entry = _entry(target)
                if entry == (name, key) or (isinstance(target, ast.Name) and target.id == name and scope is counting):
                    return None
                fresh = isinstance(node.value, ast.Call) and not any(
                    isinstance(inner, ast.Name) and inner.id == name for inner in walk(node.value)
                )
                if entry is not None and entry[0] == name and fresh and scope is not counting and name in scope.params:
                    calls = (last(_called(call)) for call in scope.of(ast.Call))
                    if found is None and counting.name in calls:
                        found = scope, node
    return found


def _called(call: ast.Call) -> str:
    func = call.func
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""

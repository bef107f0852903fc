"""Settings of one call that are written into an object which the call was handed."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import spelled
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard, targets_in

LEAST = 3  # settings; fewer may be what the function is for
# A function that says so, and objects that are handed in to be filled.
_SAYS_SO = re.compile(
    r"^_*(set|update|apply|merge|copy|configure|fill|assign|patch|restore|load|sync|init|bind|reset)(_|$)"
)
_TO_BE_FILLED = re.compile(
    r"state|result|output|context|ctx|out$|log|record|event|response|request|message|args|namespace|usage|info|stats|spec$|target|dest|new|copy|self|cls",
    re.IGNORECASE,
)
# What somebody found out is no option: a result, an answer, what a cache held.
_IS_ANSWER = re.compile(
    r"(^|_)(results?|responses?|usage|data|classification|cached|answer|reply|record|row|event)(_|$)", re.IGNORECASE
)


class KeptOverride(Role):
    """`task = job.task` and then `task.limit = options.limit`, `task.epochs = options.epochs`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            if _SAYS_SO.search(scope.name):
                continue
            written: dict[str, list[ast.Assign]] = {}
            for node in scope.of(ast.Assign):
                target, value = node.targets[0], node.value
                if (
                    isinstance(target, ast.Attribute)
                    and isinstance(value, ast.Attribute)
                    and target.attr == value.attr
                    and not target.attr.startswith("_")
                    and isinstance(target.value, ast.Name)
                    and spelled(target.value) != spelled(value.value)
                    and not _IS_ANSWER.search(last(dotted(value.value, scope)))
                ):
                    written.setdefault(target.value.id, []).append(node)
            for name, nodes in written.items():
                if len({spelled(node.targets[0]) for node in nodes}) >= LEAST and _is_handed_in(name, scope):
                    draft = hazard("kept-override", scope, nodes[0]).add("into", name)
                    yield draft.add("settings", [node.targets[0].attr for node in nodes])  # type: ignore[attr-defined]


def _is_handed_in(name: str, scope: Scope) -> bool:
    """Whether a name stands for a parameter, or for an attribute of one or of an item of one, and for nothing else."""
    if _TO_BE_FILLED.search(name):
        return False
    handed = {*scope.params}
    items = {t.id: loop.iter for loop in scope.for_loops for t in targets_in(loop.target)}
    values = scope.bindings.get(name, [])
    if name in items:
        return not values and _root(items[name]) in handed
    if name in handed:
        return not values
    roots = {_root(value) if isinstance(value, ast.Attribute) else None for value in values}
    from_items = {_root(items[root]) for root in roots if root is not None and root in items}
    return len(roots) == 1 and bool((roots | from_items) & handed)


def _root(value: ast.expr) -> str | None:
    while isinstance(value, (ast.Attribute, ast.Subscript, ast.Call)):
        value = value.func if isinstance(value, ast.Call) else value.value
    return value.id if isinstance(value, ast.Name) else None

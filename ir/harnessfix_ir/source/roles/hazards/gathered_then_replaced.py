"""Results are gathered in a container, and on one path it is replaced by what came last instead of being extended."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import EXITS
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import LOOPS, hazard, loops_around

_FILLS = frozenset(("append", "extend", "add", "update"))


class GatheredThenReplaced(Role):
    """`outputs = []`, `outputs.append(…)` in a loop, and in the same loop `if waiting: outputs = gather(waiting)`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for name, values in scope.bindings.items():
                if len(values) > 1 and _is_empty(values[0]) and next(loops_around(values[0], file), None) is None:
                    yield from _replaced(name, scope, file)


def _replaced(name: str, scope: Scope, file: FileContext) -> Iterator[Draft]:
    filled = next((call for call in scope.of(ast.Call) if _fills(call, name) and any(loops_around(call, file))), None)
    loops = [] if filled is None else list(loops_around(filled, file))
    for node in scope.of(ast.Assign):
        target = node.targets[0]
        if filled is None or not _is(target, name) or not _is_made(node.value, name):
            continue
        # An assignment that every round makes, or that stands before any round, is a beginning.
        branch = next((around for around in file.ancestors(node) if isinstance(around, (ast.If, *LOOPS))), None)
        if not isinstance(branch, ast.If) or not any(loop in loops for loop in loops_around(branch, file)):
            continue
        if not _speaks_of(branch.test, name) and not _leaves(branch) and not _handed_on(branch, name):
            draft = hazard("gathered-then-replaced", scope, node).add("name", name)
            yield draft.add("by", file.segment(node.value, 60)).add("gathered-at", filled.lineno)
            return


def _is_empty(value: ast.expr) -> bool:
    if isinstance(value, (ast.List, ast.Set)):
        return not value.elts
    if isinstance(value, ast.Dict):
        return not value.keys
    if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Name)) or value.args or value.keywords:
        return False
    return value.func.id in ("list", "dict", "set")


def _fills(call: ast.Call, name: str) -> bool:
    func = call.func
    return isinstance(func, ast.Attribute) and func.attr in _FILLS and _is(func.value, name)


def _is_made(value: ast.expr, name: str) -> bool:
    """Whether the value comes of a call that does not know what was gathered."""
    bare = value.value if isinstance(value, ast.Await) else value
    return isinstance(bare, ast.Call) and not _is_empty(bare) and not _speaks_of(bare, name)


def _speaks_of(node: ast.AST, name: str) -> bool:
    return any(_is(inner, name) for inner in walk(node))


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _leaves(branch: ast.If) -> bool:
    """Whether the loop is left, or its next round begun, behind the assignment."""
    return isinstance(branch.body[-1], EXITS)


def _handed_on(branch: ast.If, name: str) -> bool:
    """Whether the branch looks at what was gathered before it replaces it, or gathering is the other branch's work."""
    first = next((part for part in branch.body if _speaks_of(part, name)), None)
    if not isinstance(first, ast.Assign):
        return True
    return any(_fills(call, name) for part in branch.orelse for call in walk(part) if isinstance(call, ast.Call))

"""A request for what comes next is carried out and stays where it was left: the next round finds it again."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import spelled, walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_REQUEST = re.compile(r"^_*(next|pending|requested|queued|scheduled)_|_(request|requested|pending)$")


class MovedNotTaken(Role):
    """`name = store.get("next_agent")`, `if name: store.set("current_agent", name)`, and the request stays."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for branch in scope.of(ast.If):
                asked = _asked(branch.test, scope)
                if asked is None:
                    continue
                name, owner, key = asked
                moved = next((call for call in _sets(branch.body) if _is_move(call, name, owner, key)), None)
                if moved is not None and not _cleared(owner, key, scope):
                    draft = hazard("moved-not-taken", scope, moved).add("key", key)
                    yield draft.add("to", text_of(moved.args[0]) or "")


def _asked(test: ast.expr, scope: Scope) -> tuple[str, str, str] | None:
    """The name that a condition asks for, and of what store and key it is the value."""
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.IsNot):
        test = test.left
    values = scope.bindings.get(test.id, ()) if isinstance(test, ast.Name) else ()
    value = values[0] if len(values) == 1 else None
    bare = value.value if isinstance(value, ast.Await) else value
    if not isinstance(test, ast.Name) or not isinstance(bare, ast.Call) or not isinstance(bare.func, ast.Attribute):
        return None
    key = text_of(bare.args[0]) if bare.args and bare.func.attr == "get" else None
    return None if key is None or not _REQUEST.search(key) else (test.id, spelled(bare.func.value), key)


def _sets(body: list[ast.stmt]) -> Iterator[ast.Call]:
    for part in body:
        for node in walk(part):
            call = node if isinstance(node, ast.Call) and len(node.args) == 2 else None
            if call is not None and isinstance(call.func, ast.Attribute) and call.func.attr == "set":
                yield call


def _is_move(call: ast.Call, name: str, owner: str, key: str) -> bool:
    value = call.args[1]
    same = isinstance(call.func, ast.Attribute) and spelled(call.func.value) == owner
    return same and isinstance(value, ast.Name) and value.id == name and text_of(call.args[0]) != key


def _cleared(owner: str, key: str, scope: Scope) -> bool:
    """Whether the function takes the request away in some way."""
    for call in scope.of(ast.Call):
        func = call.func
        clears = isinstance(func, ast.Attribute) and func.attr in ("set", "pop", "delete", "remove", "clear")
        same = isinstance(func, ast.Attribute) and spelled(func.value) == owner
        if clears and same and (not call.args or text_of(call.args[0]) == key):
            return True
    return False

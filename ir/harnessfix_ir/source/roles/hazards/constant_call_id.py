"""The result of a tool call is given an id that is written in the code, where the call's own is at hand."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_ID = re.compile(r"^(tool_)?call_id$")
_CALL = re.compile(r"(^|_)(tool_?|function_)?call$")
_MESSAGE = re.compile(r"^(message|msg|(tool|function)_(result|response|output|message))$")


class ConstantCallId(Role):
    """`{"tool_call_id": "call", …}` in a function that has the call, its id or its answer; not where that has no id."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            handed = any(map(_CALL.search, (*scope.params, *scope.bindings))) or _reads_message(scope)
            named = {name for name in (*scope.params, *scope.stored) if _ID.match(name)}
            if not handed and not named:
                continue
            for node, value in _ids(scope):
                if value and not any(_missing(around) for around in file.ancestors(node)):
                    draft = hazard("constant-call-id", scope, node).add("id", value)
                    yield draft if handed or named.isdisjoint(_read(scope)) else draft.add("may-be-meant")


def _read(scope: Scope) -> set[str]:
    return {node.id for node in scope.deep(ast.Name) if isinstance(node.ctx, ast.Load)}


def _reads_message(scope: Scope) -> bool:
    """Whether a function is handed a message or a result, and not a text, and asks it for something."""
    handed = set(filter(_MESSAGE.match, scope.params))
    if not handed:
        return False
    asked = [node.value for node in scope.of(ast.Attribute)] + [node.value for node in scope.of(ast.Subscript)]
    return any(isinstance(node, ast.Name) and node.id in handed for node in asked)


def _ids(scope: Scope) -> Iterator[tuple[ast.expr, str]]:
    """What is given as the id of a call, in records, keywords and assignments, with its text if it is one."""
    for record in scope.of(ast.Dict):
        for key, value in zip(record.keys, record.values, strict=True):
            if _ID.match(text_of(key) or ""):
                yield value, text_of(value) or ""
    for given in scope.of(ast.keyword):
        if _ID.match(given.arg or ""):
            yield given.value, text_of(given.value) or ""
    for assigned in scope.of(ast.Assign):
        target = assigned.targets[0]
        if isinstance(target, ast.Subscript) and _ID.match(text_of(target.slice) or ""):
            yield assigned.value, text_of(assigned.value) or ""


def _missing(around: ast.AST) -> bool:
    """Whether a branch is for what is not there."""
    test = around.test if isinstance(around, (ast.If, ast.IfExp)) else None
    if isinstance(test, ast.Compare):
        return isinstance(test.ops[0], ast.Is)
    return isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)

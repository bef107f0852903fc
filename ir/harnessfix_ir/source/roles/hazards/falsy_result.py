"""What a tool answers is replaced when it is 0, empty or False, as if it had answered nothing."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import assigned_value, callee, is_constant, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.words import EXECUTE_NAME

from .base import hazard

_TOOL = re.compile(r"(^|_)(tool|func|fn|function|entrypoint|handler|callable|callback)(_|$|\[\]|\(\))", re.IGNORECASE)


class FalsyResult(Role):
    """`return tool(**arguments) or {}`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope, choice in file.all(ast.BoolOp):
            if not isinstance(choice.op, ast.Or) or not is_constant(choice.values[-1]) or _is_test(choice, file):
                continue
            call = _call(choice.values[0], scope)
            if call is not None and _calls_tool(call, scope):
                draft = hazard("falsy-result", scope, choice).add("of", file.segment(choice.values[0], 60))
                yield draft.add("default", file.segment(choice.values[-1], 40))


def _call(value: ast.expr, scope: Scope) -> ast.Call | None:
    if isinstance(value, ast.Name) and scope.is_function:
        found = assigned_value(value.id, scope, value.lineno)
        value = found if found is not None else value
    if isinstance(value, ast.Await):
        value = value.value
    return value if isinstance(value, ast.Call) else None


def _calls_tool(call: ast.Call, scope: Scope) -> bool:
    """Whether the call hands a model's arguments to a tool: with `**`, to something that is named as one."""
    name = callee(call, scope)
    parts = name.split(".")
    if not any(k.arg is None for k in call.keywords):
        return False
    return _TOOL.search(parts[-1]) is not None or (
        EXECUTE_NAME.search(last(name)) is not None and any(_TOOL.search(part) for part in parts)
    )


def _is_test(node: ast.AST, file: FileContext) -> bool:
    around = file.parents.get(node)
    return isinstance(around, (ast.If, ast.While, ast.IfExp)) and around.test is node

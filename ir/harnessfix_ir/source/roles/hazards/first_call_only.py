"""Of the calls that a model asked for in one turn only the first is looked at."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_CALLS = re.compile(r"^(tool_?calls|function_?calls|tool_?uses|parsed_actions)(\(\))?$", re.IGNORECASE)


class FirstCallOnly(Role):
    """`reply.tool_calls[0]` where nothing goes through the rest or counts them."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            if "first" in scope.name:
                continue  # it says so
            for node in scope.of(ast.Subscript):
                owner = last(dotted(node.value, scope))
                first = isinstance(node.slice, ast.Constant) and node.slice.value == 0
                if (
                    first
                    and isinstance(node.ctx, ast.Load)
                    and _CALLS.match(owner)
                    and not _asks_id(node, file)
                    and not _sees_rest(owner, node, scope)
                ):
                    yield hazard("first-call-only", scope, node).add("of", file.segment(node.value, 60))
                    break


def _asks_id(first: ast.Subscript, file: FileContext) -> bool:
    """Whether only the call's id is asked for, which finds a turn again and runs nothing."""
    around = file.parents.get(first)
    return isinstance(around, ast.Attribute) and around.attr.endswith("id")


def _sees_rest(owner: str, first: ast.Subscript, scope: Scope) -> bool:
    """Whether the function goes through the calls, counts them, or hands all of them on."""
    named: list[ast.Attribute | ast.Name] = [*scope.of(ast.Attribute), *scope.of(ast.Name)]
    for node in named:
        name = node.attr if isinstance(node, ast.Attribute) else node.id
        if name == owner and isinstance(node.ctx, ast.Load) and node is not first.value and _matters(node, scope):
            return True
    return False


def _matters(node: ast.expr, scope: Scope) -> bool:
    held = [loop.iter for loop in scope.for_loops]
    held += [part.iter for comp in scope.of(ast.ListComp) for part in comp.generators]
    held += [part.iter for comp in scope.of(ast.GeneratorExp) for part in comp.generators]
    held += [value for call in scope.of(ast.Call) for value in (*call.args, *(k.value for k in call.keywords))]
    return any(node is inner for value in held for inner in walk(value))

"""Where the model answered nothing, every field of the answer is filled with None, and the work goes on."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted, is_none, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_REPLY = re.compile(r"(^|_)(text|content|output|response|reply|answer|completion)$")


class NothingForNoAnswer(Role):
    """`if text: value = parse(text)`, `else: value = {}` with `for name in fields: value[name] = None`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for branch in scope.of(ast.If):
                negated = isinstance(branch.test, ast.UnaryOp) and isinstance(branch.test.op, ast.Not)
                tested = branch.test.operand if isinstance(branch.test, ast.UnaryOp) else branch.test
                name = last(dotted(tested, scope))
                empty = branch.body if negated else branch.orelse
                filled = _filled(empty, scope) if _REPLY.search(name) and branch.orelse else None
                if filled is not None and not _tells(empty):
                    yield hazard("nothing-for-no-answer", scope, filled).add("of", name)


def _tells(body: list[ast.stmt]) -> bool:
    return any(isinstance(node, ast.Raise) for part in body for node in walk(part))


def _filled(body: list[ast.stmt], scope: Scope) -> ast.stmt | None:
    """The statement that puts None under each of some keys."""
    for node in body:
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name) and len(node.body) == 1:
            put = node.body[0]
            target = put.targets[0] if isinstance(put, ast.Assign) else None
            none = isinstance(put, ast.Assign) and is_none(put.value)
            if none and isinstance(target, ast.Subscript) and dotted(target.slice, scope) == node.target.id:
                return node
        value = node.value if isinstance(node, (ast.Assign, ast.Return)) else None
        if isinstance(value, ast.DictComp) and is_none(value.value):
            return node
        if isinstance(value, ast.Call) and dotted(value.func, scope) == "dict.fromkeys" and len(value.args) == 1:
            return node
    return None

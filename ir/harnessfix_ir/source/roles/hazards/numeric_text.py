"""A text is asked whether it is numeric and then read as a number, which many numeric texts are not."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import called_name, calls_in, conjuncts, words_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import spelled
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.roles.handlers import is_caught
from harnessfix_ir.source.scopes import FileContext

from .base import hazard

_READS = re.compile(r"(?!_*(is|safe|try|maybe|can|has)_)(\w*_)?(int|float|decimal)$", re.IGNORECASE)
_NARROWER = frozenset(("isascii", "isdecimal", "isdigit"))
_CATCHES = frozenset(("ValueError", "ArithmeticError", "InvalidOperation", "Exception", "BaseException"))
_RETURNS_IT = frozenset(("replace", "strip", "lstrip", "rstrip", "removeprefix", "removesuffix"))


class NumericText(Role):
    """`if word.isnumeric(): return float(word)`: `"三".isnumeric()` holds, and so does `"½".isnumeric()`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for branch in scope.of(ast.If):
                for asked in _asked(branch.test):
                    read = _read(asked, branch.body)
                    if read is not None and not is_caught(read, _CATCHES, scope, file):
                        draft = hazard("numeric-text", scope, read).add("what", file.segment(asked, 40))
                        yield draft.add("reads", file.segment(read, 60))


def _asked(test: ast.expr) -> Iterator[ast.expr]:
    """What is asked for being numeric, without what is only taken off it first."""
    parts = conjuncts(test)
    if _NARROWER & {word for part in parts for word in words_in(part)}:
        return
    for node in parts:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "isnumeric":
            text = node.func.value
            while (
                isinstance(text, ast.Call) and called_name(text) in _RETURNS_IT and isinstance(text.func, ast.Attribute)
            ):
                text = text.func.value
            if isinstance(text, (ast.Name, ast.Attribute)):
                yield text


def _read(text: ast.expr, body: list[ast.stmt]) -> ast.Call | None:
    """The call that reads that text as a number."""
    for call in calls_in(body):
        if _READS.match(called_name(call)) and call.args and spelled(call.args[0]) == spelled(text):
            return call
    return None

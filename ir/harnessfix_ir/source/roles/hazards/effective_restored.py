"""What was in effect is put back as a setting of one's own."""

import ast
from collections import Counter
from collections.abc import Iterator

from harnessfix_ir.source.expressions import assigned_value, callee, words_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard


class EffectiveRestored(Role):
    """`level = logger.getEffectiveLevel()`, then `logger.setLevel(level)`: what a parent says is frozen."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            kept = {
                name: of
                for name, values in scope.bindings.items()
                if len(values) == 1 and (of := _receiver(values[0], "getEffectiveLevel"))
            }
            sets = [(call, of) for call in scope.of(ast.Call) if (of := _receiver(call, "setLevel"))] if kept else []
            times = Counter(of for _, of in sets)
            for call, of in sets:
                given = call.args[0] if len(call.args) == 1 else None
                if not isinstance(given, ast.Name) or kept.get(given.id) != of or times[of] == 1:
                    continue
                if not _is_root(call, scope) and not _is_asked(call, file):
                    yield hazard("effective-restored", scope, call).add("level", given.id)


def _is_asked(call: ast.Call, file: FileContext) -> bool:
    """Whether it was looked at first what level the logger has."""
    asked = (around.test for around in file.ancestors(call) if isinstance(around, ast.If))
    return any("level" in words_in(test) for test in asked)


def _is_root(call: ast.Call, scope: Scope) -> bool:
    """Whether a logger is the one that has no parents, as far as the function shows."""
    logger = call.func.value if isinstance(call.func, ast.Attribute) else call
    logger = assigned_value(logger.id, scope, call.lineno) or logger if isinstance(logger, ast.Name) else logger
    if not isinstance(logger, ast.Call) or not callee(logger, scope).endswith("getLogger"):
        return False
    return not logger.args or (isinstance(logger.args[0], ast.Constant) and not logger.args[0].value)


def _receiver(node: ast.AST, method: str) -> str:
    """Whose method of that name a call is, as it is written; empty for anything else."""
    called = node.func if isinstance(node, ast.Call) else None
    return ast.dump(called.value) if isinstance(called, ast.Attribute) and called.attr == method else ""

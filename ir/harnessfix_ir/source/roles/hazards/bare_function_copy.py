"""A function is made anew from the code of another, and what belongs to that one beside its code is lost."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

# What `types.FunctionType` takes no argument for; of the text only what stands in the code itself is kept.
LOST = ("__doc__", "__annotations__", "__kwdefaults__")
_TAKES_OVER = ("functools.update_wrapper", "functools.wraps", "copy.copy")


class BareFunctionCopy(Role):
    """`FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, f.__closure__)`, and nothing more."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for call in scope.of(ast.Call):
                code = call.args[0] if call.args else None
                if not (isinstance(code, ast.Attribute) and code.attr == "__code__"):
                    continue
                if dotted(call.func, scope) != "types.FunctionType" or _takes_over(scope):
                    continue
                given = {node.attr for node in scope.of(ast.Attribute) if isinstance(node.ctx, ast.Store)}
                lost = [name for name in LOST if name not in given]
                if len(lost) > 1:
                    yield (
                        hazard("bare-function-copy", scope, call)
                        .add("of", file.segment(code.value, 80))
                        .add("loses", [*lost])
                    )


def _takes_over(scope: Scope) -> bool:
    """Whether something beside it takes the rest over."""
    named = {dotted(call.func, scope) for call in scope.of(ast.Call)}
    return not named.isdisjoint(_TAKES_OVER) or any(name.endswith("__dict__.update") for name in named)

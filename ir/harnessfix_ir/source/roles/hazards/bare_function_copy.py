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
_TAKES_OVER = ("functools.update_wrapper", "functools.wraps", "copy.copy", "setattr")
LEAST = 2  # code and globals; what gets no name of its own is made to be run, not to be offered


class BareFunctionCopy(Role):
    """`FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, f.__closure__)`, and nothing more."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            copies = [call for call in scope.of(ast.Call) if _copied(call) is not None]
            copies = [call for call in copies if dotted(call.func, scope) == "types.FunctionType"]
            if not copies or _takes_over(scope):
                continue
            given = {node.attr for node in scope.of(ast.Attribute) if isinstance(node.ctx, ast.Store)}
            lost = [name for name in LOST if name not in given]
            for call in copies if len(lost) > 1 else ():
                of = _copied(call)
                assert of is not None
                yield hazard("bare-function-copy", scope, call).add("of", file.segment(of, 80)).add("loses", [*lost])


def _copied(call: ast.Call) -> ast.expr | None:
    """The function whose code a call is given, and a name beside it."""
    code = call.args[0] if len(call.args) > LEAST else None
    return code.value if isinstance(code, ast.Attribute) and code.attr == "__code__" else None


def _takes_over(scope: Scope) -> bool:
    """Whether something beside it takes the rest over."""
    named = {dotted(call.func, scope) for call in scope.of(ast.Call)}
    return not named.isdisjoint(_TAKES_OVER) or any(name.endswith("__dict__.update") for name in named)

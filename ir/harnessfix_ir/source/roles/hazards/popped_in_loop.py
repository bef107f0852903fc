"""A value that a loop takes out of a mapping at every round: from the second round on there is only the default."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import is_constant, text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, targets_of

from .base import LOOPS, hazard, loops_around, targets_in


class PoppedInLoop(Role):
    """`for attempt in range(3): count = options.pop("count", 0)`: the count starts anew with every attempt."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope, call in file.all(ast.Call):
            func = call.func
            if not (isinstance(func, ast.Attribute) and func.attr == "pop" and isinstance(func.value, ast.Name)):
                continue
            key = text_of(call.args[0]) if len(call.args) == 2 else None
            loop = next(loops_around(call, file), None)
            if key is None or loop is None or isinstance(file.parents.get(call), ast.Expr) or _in_head(call, loop):
                continue
            if is_constant(call.args[1]) and not _made_in(func.value.id, loop):
                draft = hazard("popped-in-loop", scope, call).add("from", func.value.id).add("key", key)
                yield draft.add("default", file.segment(call.args[1], 40))


def _in_head(call: ast.Call, loop: ast.For | ast.AsyncFor | ast.While) -> bool:
    """Whether the call stands in what is gone through, which is asked for once."""
    return not isinstance(loop, ast.While) and any(node is call for node in ast.walk(loop.iter))


def _made_in(name: str, loop: ast.For | ast.AsyncFor | ast.While) -> bool:
    """Whether the loop gives the name another value, fills it, or hands the whole of it on to be filled."""
    for node in ast.walk(loop):
        bound: list[ast.expr] = []
        if isinstance(node, LOOPS) and not isinstance(node, ast.While):
            bound = [node.target]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            bound = targets_of(node)
        elif isinstance(node, (ast.comprehension, ast.NamedExpr)):
            bound = [node.target]
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            bound = [node.optional_vars]
        elif isinstance(node, ast.Call):
            given = [*node.args, *(k.value for k in node.keywords if k.arg is not None)]
            if any(isinstance(value, ast.Name) and value.id == name for value in given):
                return True
            if isinstance(node.func, ast.Attribute) and node.func.attr in ("update", "setdefault"):
                bound = [node.func.value]
        for target in bound:
            inner = target.value if isinstance(target, ast.Subscript) else target
            if isinstance(inner, ast.Name) and inner.id == name:
                return True
            if any(named.id == name for named in targets_in(target)):
                return True
    return False

"""A value that a loop takes out of a mapping at every round: from the second round on there is only the default."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import is_constant, text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, targets_of

from .base import hazard, loops_around, targets_in


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
            if is_constant(call.args[1]) and not _made_in(func.value.id, key, loop, file):
                draft = hazard("popped-in-loop", scope, call).add("from", func.value.id).add("key", key)
                yield draft.add("default", file.segment(call.args[1], 40))


def _in_head(call: ast.Call, loop: ast.For | ast.AsyncFor | ast.While) -> bool:
    """Whether the call stands in what is gone through, which is asked for once."""
    return not isinstance(loop, ast.While) and any(node is call for node in walk(loop.iter))


def _made_in(name: str, key: str, loop: ast.For | ast.AsyncFor | ast.While, file: FileContext) -> bool:
    """Whether the loop gives the name another value, fills it for the next round, or hands it on to be filled."""
    for node in walk(loop):
        if isinstance(node, ast.Call):
            given = [*node.args, *(k.value for k in node.keywords if k.arg is not None)]
            fills = isinstance(node.func, ast.Attribute) and node.func.attr in ("update", "setdefault")
            given += [node.func.value] if fills and isinstance(node.func, ast.Attribute) else []
            if any(_is(value, name) for value in given):
                return True
        for target in _bound_by(node):
            if isinstance(target, ast.Subscript):
                other = text_of(target.slice)
                if _is(target.value, name) and other in (None, key) and not _leaves(node, file):
                    return True
            elif any(named.id == name for named in targets_in(target)):
                return True
    return False


def _bound_by(node: ast.AST) -> list[ast.expr]:
    """What a node gives a value, where it is one that binds."""
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        return targets_of(node)
    if isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension, ast.NamedExpr)):
        return [node.target]
    optional = node.optional_vars if isinstance(node, ast.withitem) else None
    return [optional] if optional is not None else []


def _is(value: ast.expr, name: str) -> bool:
    return isinstance(value, ast.Name) and value.id == name


def _leaves(node: ast.AST, file: FileContext) -> bool:
    """Whether the block that a statement stands in ends by leaving the loop, so that no round comes after it."""
    around = file.parents.get(node)
    blocks = [value for _, value in ast.iter_fields(around) if isinstance(value, list)] if around is not None else []
    ends = next((block[-1] for block in blocks if node in block), None)
    return isinstance(ends, (ast.Return, ast.Raise, ast.Break))

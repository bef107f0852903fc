"""Counts that are carried from turn to turn are made anew from those that moved, and the others are forgotten."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import spelled, walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, targets_of

from .base import hazard


class RecountedInPart(Role):
    """`retries = {name: self.retries.get(name, 0) + 1 for name in failed}`: who did not fail this time starts at 0."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            for counts in scope.of(ast.DictComp):
                old = _old(counts)
                around = file.parents.get(counts)
                if old is None or not isinstance(around, (ast.Assign, ast.AnnAssign, ast.keyword)):
                    continue
                name = _kept_as(around)
                if name is not None and name == _last(old) and not _merged(scope):
                    yield (
                        hazard("recounted-in-part", scope, counts)
                        .add("counts", file.segment(old, 60))
                        .add("of", file.segment(counts.generators[0].iter, 60))
                    )


def _old(counts: ast.DictComp) -> ast.expr | None:
    """The counts that `old.get(key, 0) + n` goes on from, where the keys are those of something else."""
    if (
        len(counts.generators) != 1
        or not isinstance(counts.value, ast.BinOp)
        or not isinstance(counts.value.op, ast.Add)
    ):
        return None
    read = counts.value.left
    if not isinstance(read, ast.Call) or not isinstance(read.func, ast.Attribute) or read.func.attr != "get":
        return None
    old = read.func.value
    if len(read.args) != 2 or spelled(read.args[0]) != spelled(counts.key):
        return None
    zero = isinstance(read.args[1], ast.Constant) and read.args[1].value == 0
    return old if zero and not any(spelled(n) == spelled(old) for n in walk(counts.generators[0].iter)) else None


def _kept_as(around: ast.keyword | ast.Assign | ast.AnnAssign) -> str | None:
    if isinstance(around, ast.keyword):
        return around.arg
    return _last(targets_of(around)[0])


def _last(node: ast.expr) -> str | None:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else None


def _merged(scope: Scope) -> bool:
    """Whether the old counts are put in beside the new ones."""
    for call in scope.of(ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("update", "setdefault"):
            return True
    return any(key is None for node in scope.of(ast.Dict) for key in node.keys)

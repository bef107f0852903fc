"""A class keeps a limit on its turns and counts them, and never holds the one against the other."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.counting import counts_turns
from harnessfix_ir.source.expressions import own_attribute
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, targets_of

from .base import hazard

_LIMIT = re.compile(r"^_*(max_(turns|steps|iterations|rounds)|(turn|step|iteration|round)s?_limit)$")


class UncomparedLimit(Role):
    """`self.max_turns = max_turns` and `self.turn += 1`, and no `self.turn >= self.max_turns` anywhere."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for owner in file.classes:
            start = owner.method("__init__")
            if start is None:
                continue
            limits = [name for name in _kept(start) if not _used(name, file)]
            moves = [
                (method, node)
                for method in owner.methods
                for node in method.of(ast.AugAssign)
                if _is_one(node) and counts_turns(own_attribute(node.target) or "")
            ]
            moves = [(m, node) for m, node in moves if not _used(own_attribute(node.target) or "", file)]
            if len(limits) == 1 and moves:
                method, node = moves[0]
                yield (
                    hazard("uncompared-limit", method, node)
                    .add("limit", f"self.{limits[0]}")
                    .add("counter", file.segment(node.target))
                )


def _kept(start: Scope) -> Iterator[str]:
    """Limits that an object is made with and keeps."""
    for node in start.assignments:
        for target in targets_of(node):
            name = own_attribute(target)
            if name and _LIMIT.match(name) and isinstance(node.value, ast.Name) and node.value.id in start.params:
                yield name


def _is_one(node: ast.AugAssign) -> bool:
    return isinstance(node.op, ast.Add) and isinstance(node.value, ast.Constant) and node.value.value == 1


def _used(name: str, file: FileContext) -> bool:
    """Whether anything of the file does more with an attribute of that name than ask for None, show or set it."""
    for _, node in file.all(ast.Attribute):
        if node.attr == name and isinstance(node.ctx, ast.Load):
            around = file.parents.get(node)
            asks = isinstance(around, ast.Compare) and isinstance(around.ops[0], (ast.Is, ast.IsNot))
            if not asks and not isinstance(around, (ast.FormattedValue, ast.If)):
                return True
    return False

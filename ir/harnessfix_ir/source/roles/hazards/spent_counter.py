"""A count or a switch of an object is set once, moves with its work, and nothing ever sets it back."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import own_attribute, words_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, targets_of
from harnessfix_ir.source.words import COUNTER_NAME, LIMIT_NAME

from .base import hazard

_ENTRY = re.compile(r"^(a?run|a?invoke|a?kickoff|forward|aforward|__call__|solve|execute|stream|a?step|on_messages)$")
_TOTAL = re.compile(r"total|cost|usage|token|spent|global|lifetime|cumul|seq|version|next_|_id$|index", re.IGNORECASE)


class SpentCounter(Role):
    """`self.rounds += 1` against `self.max_rounds`, and `run` never begins with `self.rounds = 0`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for owner in file.classes:
            methods, start = owner.methods, owner.method("__init__")
            if start is None or not any(_ENTRY.match(m.name) for m in methods):
                continue
            begun = {name: node for name, node in _set(start) if _is_zero(node.value)}
            others = [m for m in methods if m is not start]
            again = {name for method in others for name, _ in _set(method)}
            for name, node in begun.items():
                moved = [m for m in others if name in _moved(m)]
                if name in again or not moved or _TOTAL.search(name) or _set_from_outside(name, file):
                    continue
                against = next((c for m in others for c in _limits(name, m)), None)
                if against is not None:
                    yield (
                        hazard("spent-counter", start, node)
                        .add("name", f"self.{name}")
                        .add("compares", file.segment(against, 80), against.lineno)
                    )


def _set(scope: Scope) -> Iterator[tuple[str, ast.Assign | ast.AnnAssign]]:
    """Attributes of `self` that a method assigns."""
    for node in scope.assignments:
        for target in targets_of(node):
            for inner in target.elts if isinstance(target, ast.Tuple) else [target]:
                name = own_attribute(inner)
                if name:
                    yield name, node


def _is_zero(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and type(value.value) is int and value.value in (0, 1)


def _moved(scope: Scope) -> set[str]:
    grown = (own_attribute(node.target) for node in scope.of(ast.AugAssign) if isinstance(node.op, ast.Add))
    return {name for name in grown if name}


def _limits(name: str, scope: Scope) -> Iterator[ast.Compare]:
    """Comparisons of the count with a limit."""
    for compare in scope.of(ast.Compare):
        if not isinstance(compare.ops[0], (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) or len(compare.ops) != 1:
            continue
        sides = [compare.left, compare.comparators[0]]
        counts = [s for s in sides if isinstance(s, ast.Attribute) and s.attr == name and COUNTER_NAME.search(name)]
        limits = [s for s in sides if s not in counts and any(LIMIT_NAME.search(w) for w in words_in(s))]
        if counts and limits:
            yield compare


def _set_from_outside(name: str, file: FileContext) -> bool:
    """Whether anything of the file sets the attribute of another object, or of itself by its name."""
    for scope in file.functions:
        for node in scope.assignments:
            for target in targets_of(node):
                if isinstance(target, ast.Attribute) and target.attr == name and not own_attribute(target):
                    return True
        for call in scope.of(ast.Call):
            if isinstance(call.func, ast.Name) and call.func.id == "setattr":
                return True
    return False

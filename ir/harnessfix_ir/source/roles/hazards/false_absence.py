"""A function that is to say whether something is there, and asks whether its values are true."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, declared_as, own_attribute
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_ASKS = re.compile(
    r"^_*(has|have|is|contains|needs)_(\w+_)?(content|contents|data|value|values|args|arguments|input|inputs|output|"
    r"outputs|result|results|payload|params|parameters|fields|empty|blank|set|given|present|complete)$"
)

_NUMBERS = re.compile(r"(dict|Dict|Mapping|Counter|defaultdict)\[\w+, (int|float|Decimal)\]")


class FalseAbsence(Role):
    """`def has_content(self): return any(self.args.values())`: 0, False and an empty text count as nothing.

    Not of what is declared to hold numbers alone: counters that are all zero have counted nothing.
    """

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            if not _ASKS.search(scope.name):
                continue
            for call in scope.of(ast.Call):
                if (
                    callee(call, scope) in ("any", "all")
                    and call.args
                    and (of := _values_of(call.args[0], scope, file))
                ):
                    yield hazard("false-absence", scope, call).add("of", of)


def _values_of(asked: ast.expr, scope: Scope, file: FileContext) -> str:
    """The mapping whose values are taken for true or false, as the source writes it."""
    if isinstance(asked, ast.Call) and isinstance(asked.func, ast.Attribute) and asked.func.attr == "values":
        of = asked.func.value
        if not isinstance(of, (ast.Name, ast.Attribute)) or _holds_numbers(of, scope):
            return ""
        return file.segment(of, 60)
    if isinstance(asked, ast.GeneratorExp) and isinstance(asked.elt, ast.Name) and len(asked.generators) == 1:
        turn = asked.generators[0]
        if isinstance(turn.target, ast.Name) and turn.target.id == asked.elt.id and not turn.ifs:
            return _values_of(turn.iter, scope, file)
    return ""


def _holds_numbers(of: ast.Name | ast.Attribute, scope: Scope) -> bool:
    """Whether the mapping is declared as one of numbers."""
    owner = scope.owner
    if isinstance(of, ast.Name):
        declared = [declared_as(of.id, scope)]
    else:
        fields = owner.of(ast.AnnAssign) if owner is not None and own_attribute(of) else []
        declared = [f.annotation for f in fields if isinstance(f.target, ast.Name) and f.target.id == of.attr]
    return any(kind is not None and _NUMBERS.search(ast.unparse(kind)) for kind in declared)

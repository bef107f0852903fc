"""A function that is named for shortening a text, is given how long it may be, and gives it back as it is."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_SHORTENS = re.compile(r"^_*(truncate|shorten|clip|crop|limit|bound|cut)(_|$)")
_BOUND = re.compile(r"max|limit|length|size|chars|tokens")


class CutsNothing(Role):
    """`def truncate(text, limit): return text`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            bounds = [name for name in scope.params if _BOUND.search(name)]
            if not _SHORTENS.match(scope.name) or not bounds or _works(scope):
                continue
            returns = scope.of(ast.Return)
            given = {node.value.id for node in returns if isinstance(node.value, ast.Name)}
            if returns and len(given) == 1 and given <= {*scope.params} - {*bounds} and len(returns) == 1:
                yield hazard("cuts-nothing", scope, returns[0]).add("name", next(iter(given)))


def _works(scope: Scope) -> bool:
    """Whether a function takes something apart, calls, or goes round: then it may cut."""
    kinds = (ast.Subscript, ast.Call, ast.For, ast.While, ast.AugAssign, ast.Delete)
    return any(scope.of(kind) for kind in kinds)

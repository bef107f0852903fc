"""Seconds handed to what counts in milliseconds."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext

from .base import hazard

_MILLI = re.compile(r"(_ms|_millis|_milliseconds|_msec)$|[a-z]Ms$", re.IGNORECASE)
_SECONDS = re.compile(r"(_s|_secs?|_seconds)$|(^|_)(timeout|delay|elapsed|duration|interval)$", re.IGNORECASE)


class WrongUnit(Role):
    """`Client(timeout_ms=self.timeout)`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope, call in file.all(ast.Call):
            for given in call.keywords:
                if given.arg is None:
                    continue
                name = _bare(given.value)
                if _MILLI.search(given.arg) and name and _SECONDS.search(name) and not _MILLI.search(name):
                    yield hazard("wrong-unit", scope, given.value).add("given", name).add("taken-as", given.arg)


def _bare(node: ast.expr) -> str:
    """Name of what is handed on as it stands, through `int(…)` and the like."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("int", "float", "round"):
        if len(node.args) != 1:
            return ""
        node = node.args[0]
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""

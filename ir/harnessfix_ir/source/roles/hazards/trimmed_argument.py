"""The arguments of a call are trimmed or changed in case on their way from the model to the tool."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_ARGUMENTS = re.compile(r"(^|_)(args|arguments|tool_input|tool_params|parameters)$")
_CHANGES = frozenset(("strip", "lstrip", "rstrip", "lower", "upper", "title", "capitalize"))
_SAYS_SO = re.compile(
    r"normali[sz]e|sanitize|canonical|hash|fingerprint|cache_?key|signature|display|format|log|cli|argv"
)


class TrimmedArgument(Role):
    """`for name, value in arguments.items(): clean[name] = value.strip()`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            if _SAYS_SO.search(scope.name.lower()):
                continue
            for loop in scope.of(ast.For):
                of, value = _items(loop.iter, loop.target, scope)
                for node in walk(loop) if value else ():
                    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                        yield from _found(node.value, value, of, scope)
            for made in scope.of(ast.DictComp):
                of, value = _items(made.generators[0].iter, made.generators[0].target, scope)
                for branch in _branches(made.value) if value else ():
                    yield from _found(branch, value, of, scope)


def _items(iterated: ast.expr, target: ast.expr, scope: Scope) -> tuple[str, str]:
    """Name of the arguments whose items are gone through, and of what stands for a value; empty for other loops."""
    func = iterated.func if isinstance(iterated, ast.Call) else None
    if not (isinstance(func, ast.Attribute) and func.attr == "items" and isinstance(target, ast.Tuple)):
        return "", ""
    of, value = last(dotted(func.value, scope)), target.elts[-1]
    return (of, value.id) if _ARGUMENTS.search(of) and isinstance(value, ast.Name) else ("", "")


def _branches(value: ast.expr) -> tuple[ast.expr, ...]:
    return (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,)


def _found(changed: ast.expr, value: str, of: str, scope: Scope) -> Iterator[Draft]:
    func = changed.func if isinstance(changed, ast.Call) else None
    if not isinstance(func, ast.Attribute) or func.attr not in _CHANGES:
        return
    if isinstance(func.value, ast.Name) and func.value.id == value:
        yield hazard("trimmed-argument", scope, changed).add("of", of).add("by", func.attr)

"""A loop adds to a list in each turn, and takes the first of all that is in it for what this turn gave."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import inside
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import LOOPS, hazard, loops_around


class FirstOfGathered(Role):
    """`for call in calls: results.extend(run(call)); note(call, results[0].id)`, where `results` is made before."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            firsts = [node for node in scope.of(ast.Subscript) if _is_first(node)]
            made = _made_empty(scope) if firsts else {}
            grown: dict[ast.AST, set[str]] = {}
            asks: dict[ast.If, bool] = {}
            for node in firsts:
                name = node.value.id  # type: ignore[attr-defined]
                loop = next(loops_around(node, file), None) if name in made else None
                if not isinstance(loop, (ast.For, ast.AsyncFor)) or made[name] >= loop.lineno:
                    continue
                if loop not in grown:
                    grown[loop] = _grown(loop)
                if name in grown[loop] and not _is_meant(node, asks, file):
                    yield hazard("first-of-gathered", scope, node).add("name", name)


def _is_first(node: ast.Subscript) -> bool:
    """Whether it reads the first item of what has a plain name."""
    is_zero = isinstance(node.slice, ast.Constant) and node.slice.value == 0 and node.slice.value is not False
    return is_zero and isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load)


def _grown(loop: ast.For | ast.AsyncFor) -> set[str]:
    """Names of lists that the loop only adds to, at the end, and of which it reads no other item."""
    added: set[str] = set()
    otherwise: set[str] = set()
    for node in inside(loop.body):
        if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
            otherwise.add(node.id)
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and not _is_first(node):
            otherwise.add(node.value.id)
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
                (added if node.func.attr in ("append", "extend") else otherwise).add(node.func.value.id)
            if not (isinstance(node.func, ast.Name) and node.func.id == "len"):
                otherwise.update(given.id for given in node.args if isinstance(given, ast.Name))
    return added - otherwise


def _made_empty(scope: Scope) -> dict[str, int]:
    """Names that get an empty list and nothing else, each with the last line where they do."""
    return {
        name: values[-1].lineno
        for name, values in scope.bindings.items()
        if all(isinstance(value, ast.List) and not value.elts for value in values)
    }


def _is_meant(node: ast.Subscript, asks: dict[ast.If, bool], file: FileContext) -> bool:
    """Whether the first may be meant: it is reckoned or compared with, ends the loop, or stands under a comparison."""
    for around in file.ancestors(node):
        if isinstance(around, (ast.Compare, ast.BinOp, ast.Return, ast.Raise)):
            return True
        if isinstance(around, LOOPS):
            return False
        if isinstance(around, ast.If):
            if around not in asks:
                asks[around] = any(isinstance(part, ast.Compare) for part in walk(around.test))
            if asks[around]:
                return True
    return False

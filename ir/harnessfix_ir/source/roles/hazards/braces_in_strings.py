"""The end of an object in a text is found by counting brackets, those inside quoted strings too."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_PAIRS = ("{}", "[]")
_QUOTES = frozenset("\"'`")


class BracesInStrings(Role):
    """`for ch in text: if ch == "{": depth += 1` and so on, where `{"code": "if (x) {"}` is one object, too."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            found: dict[ast.stmt, tuple[str, str]] = {}
            for loop in scope.loops if _speaks_of_json(scope, file) else ():
                texts, compared = _constants(loop)
                pair = next((pair for pair in _PAIRS if compared.issuperset(pair)), None)
                counter = _counter(loop) if pair is not None and not _knows_quotes(texts) else None
                if pair is not None and counter is not None:
                    found[loop] = pair, counter
            around = {outer for loop in found for outer in file.ancestors(loop)}
            for innermost in sorted(found.keys() - around, key=lambda loop: loop.lineno):
                pair, counter = found[innermost]
                yield hazard("braces-in-strings", scope, innermost).add("pair", pair).add("counter", counter)


def _speaks_of_json(scope: Scope, file: FileContext) -> bool:
    """Whether the function's text names JSON: LaTeX, paths and templates have brackets and no quoted strings."""
    node = scope.function
    return any("json" in line.lower() for line in file.lines[node.lineno - 1 : node.end_lineno])


def _constants(loop: ast.stmt) -> tuple[set[str], set[str]]:
    """All texts in a loop, and those single characters that something is compared with."""
    texts: set[str] = set()
    compared: set[str] = set()
    for node in walk(loop):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.add(node.value)
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Eq, ast.In)):
            compared.update(
                part.value
                for part in (node.left, *node.comparators)
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and len(part.value) == 1
            )
    return texts, compared


def _knows_quotes(texts: set[str]) -> bool:
    return any(_QUOTES & set(text) for text in texts if len(text) < 5)


def _counter(loop: ast.stmt) -> str | None:
    """A name that the loop counts up in one place and down in another, each time by one."""
    ways: dict[str, set[type[ast.operator]]] = {}
    for node in walk(loop):
        if not isinstance(node, ast.AugAssign) or not isinstance(node.target, ast.Name):
            continue
        if isinstance(node.value, ast.Constant) and node.value.value == 1:
            ways.setdefault(node.target.id, set()).add(type(node.op))
    return next((name for name, way in ways.items() if {ast.Add, ast.Sub} <= way), None)

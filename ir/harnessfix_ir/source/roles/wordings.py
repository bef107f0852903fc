"""Wordings: the sentences that a function's literals hold, whatever they are for."""

import ast
from collections.abc import Iterator

from harnessfix_ir.document import JsonValue
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.templates import template_of

LEAST_LETTERS = 12
LONGEST = 400
MOST = 60


def wordings_of(scope: Scope, file: FileContext) -> list[JsonValue]:
    """Lines and texts of the literals and f-strings of a scope that hold words, docstrings left out.

    A text has `{}` for each hole and is cut at `LONGEST` characters.
    """
    found: dict[str, int] = {}
    for node, text in sorted(_texts(scope, file), key=lambda pair: pair[0].lineno):
        if " " in text.strip() and sum(map(str.isalpha, text[:LONGEST])) >= LEAST_LETTERS:
            found.setdefault(text[:LONGEST], node.lineno)
    return [[line, text] for text, line in list(found.items())[:MOST]]


def _texts(scope: Scope, file: FileContext) -> Iterator[tuple[ast.expr, str]]:
    for joined in scope.of(ast.JoinedStr):
        template = template_of(joined, file, scope)
        if template is not None:
            yield joined, template.skeleton
    for node in scope.of(ast.Constant):
        if isinstance(node.value, str) and not isinstance(file.parents.get(node), ast.JoinedStr | ast.Expr):
            yield node, node.value

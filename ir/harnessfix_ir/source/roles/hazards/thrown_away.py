"""A value that is made and thrown away: an exception that nobody raises, a changed text that nobody keeps."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, declared_as, last, words_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.words import words

from .base import hazard

_MAKES = words(
    "strip lstrip rstrip lower upper title removeprefix removesuffix splitlines model_copy deepcopy sorted zfill"
)
_OF_TEXTS = frozenset(dir(str))
_ERROR = re.compile(r"^[A-Z]\w*(Error|Exception)$")


class ThrownAway(Role):
    """`text.strip()` or `ValueError("bad")` as a statement."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope, statement in file.all(ast.Expr):
            call = statement.value
            if isinstance(call, ast.Compare):
                if not isinstance(call.ops[0], (ast.In, ast.NotIn)) and not _checks(statement, file):
                    yield hazard("thrown-away", scope, statement).add("what", file.segment(call, 60))
                continue
            if not isinstance(call, ast.Call):
                continue
            name = last(callee(call, scope))
            two = name == "replace" and len(call.args) == 2 and isinstance(call.args[0], ast.Constant)
            func = call.func if isinstance(call.func, ast.Attribute) and (name in _MAKES or two) else None
            makes = func is not None and not _is_no_text(func, scope, file)
            if (makes or _ERROR.match(name)) and not _checks(statement, file):
                yield hazard("thrown-away", scope, statement).add("what", file.segment(call, 60))


def _is_no_text(func: ast.Attribute, scope: Scope, file: FileContext) -> bool:
    """Whether it is a function of a module that is called, `st.title(…)`, or a text of rich, which changes in place."""
    holder = func.value
    if not isinstance(holder, ast.Name) or func.attr not in _OF_TEXTS:
        return False
    given = scope.bindings.get(holder.id, [])
    if holder.id in file.modules:
        return not given and holder.id not in scope.params
    if func.attr != "rstrip" or not file.root.imports.get("Text", "").startswith("rich."):
        return False
    declared = declared_as(holder.id, scope), scope.function.returns if scope.is_function else None
    return any("Text" in words_in(said) for said in (*given, *declared))


def _checks(statement: ast.stmt, file: FileContext) -> bool:
    """Whether it is made to see whether that raises."""
    return any(isinstance(around, (ast.Try, ast.TryStar, ast.With)) for around in file.ancestors(statement))

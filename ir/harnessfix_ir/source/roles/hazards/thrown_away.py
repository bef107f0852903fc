"""A value that is made and thrown away: an exception that nobody raises, a changed text that nobody keeps."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext
from harnessfix_ir.source.words import words

from .base import hazard

_MAKES = words(
    "strip lstrip rstrip lower upper title removeprefix removesuffix splitlines model_copy deepcopy sorted zfill"
)
_ERROR = re.compile(r"^[A-Z]\w*(Error|Exception)$")


class ThrownAway(Role):
    """`text.strip()` or `ValueError("bad")` as a statement."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        rich_text = file.root.imports.get("Text", "").startswith("rich.")  # which is stripped in place
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
            makes = isinstance(call.func, ast.Attribute) and (name in _MAKES or two) and not _of_module(call.func, file)
            makes = makes and not (name == "rstrip" and rich_text)
            if (makes or _ERROR.match(name)) and not _checks(statement, file):
                yield hazard("thrown-away", scope, statement).add("what", file.segment(call, 60))


def _of_module(func: ast.Attribute, file: FileContext) -> bool:
    """Whether it is a function of a module that is called, and no method of a text: `st.title(…)`."""
    holder = func.value
    return isinstance(holder, ast.Name) and holder.id in file.modules


def _checks(statement: ast.stmt, file: FileContext) -> bool:
    """Whether it is made to see whether that raises."""
    return any(isinstance(around, (ast.Try, ast.TryStar, ast.With)) for around in file.ancestors(statement))

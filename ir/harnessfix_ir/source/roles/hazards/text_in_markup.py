"""Foreign text put between the tags of Rich's markup, where its own brackets are tags too."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.words import words

from .base import hazard

_TAG = re.compile(
    r"\[/?(bold|italic|dim|red|green|blue|yellow|cyan|magenta|white|black|underline|reverse|b|i|/)?( [\w#]+)*\]"
)
_RENDERS = words("print log rule Panel from_markup add_row add_column ask status")
# What a person, a model or a tool may have worded.
_WORDED = re.compile(
    r"(^|_)(task|prompt|query|question|content|output|answer|observations?|text|arguments|thought|response|message|reply|"
    r"title|result|instructions?|command|action)$"
)


class TextInMarkup(Role):
    """`console.print(f"[bold]{task}[/bold]")`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        if "rich" not in file.text:
            return
        for scope in file.functions:
            for text in scope.of(ast.JoinedStr):
                literal = "".join(str(part.value) for part in text.values if isinstance(part, ast.Constant))
                if not _TAG.search(literal):
                    continue
                foreign = [p for p in text.values if isinstance(p, ast.FormattedValue) and _is_foreign(p)]
                if foreign and _is_rendered(text, scope, file):
                    shown = file.segment(foreign[0].value, 60)
                    yield hazard("text-in-markup", scope, text).add("text", shown)


def _is_foreign(part: ast.FormattedValue) -> bool:
    """Whether a hole may hold any text, as far as its name says; not what a call has escaped."""
    value = part.value.value if isinstance(part.value, ast.Subscript) else part.value
    name = value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""
    return part.format_spec is None and _WORDED.search(name) is not None


def _is_rendered(text: ast.JoinedStr, scope: Scope, file: FileContext) -> bool:
    """Whether the text itself, or what is joined with it, is handed to something of Rich that reads markup."""
    for around in file.ancestors(text):
        if isinstance(around, ast.Call):
            name = callee(around, scope)
            return last(name) in _RENDERS and name != "print"
        if isinstance(around, ast.stmt):
            return False
    return False

"""fail-closed: an approval check that cannot read what it judges asks for approval."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.blocks import instead
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile

from .base import EditExample, GuardExample, Refusal

_NEED = re.compile(r"(?i)need|requir|must")
_LEAVE = re.compile(r"(?i)approv|allow|confirm|permi|authori[sz]|consent")
_UNREADABLE = re.compile(r"(^|\.)(JSONDecodeError|ValueError|TypeError|ValidationError|UnicodeDecodeError|Exception)$")
_EMPTY = re.compile(r"""^(\{\}|\[\]|None|""|''|dict\(\))$""")

_NEEDS = """\
import json


def needs_approval(function):
    try:
        arguments = json.loads(function["arguments"])
    except json.JSONDecodeError:
        arguments = {}  # nothing to see
    return arguments.get("amount", 0) > 100
"""
_PARSE = """\
import json


def parse_for_approval(arguments):
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return None
"""


class FailClosed(PythonOperator):
    """Makes an approval check decide against the call that it could not read.

    In a function that asks whether approval is needed, a clause that catches a decoding error and goes on with an empty
    value returns True instead; in one that asks for approval, False. In a parser that answers None for what it cannot
    read, missing arguments are no longer read as an empty object.

    Anchor: the clause, or the function that holds it. No parameters.
    """

    name = "fail-closed"
    summary = "Treat what an approval check cannot read as needing approval."
    fix_safety = (
        "Calls whose arguments are malformed or missing are now put before a person, or refused, where they went "
        "through: look at tools that take no arguments, whose models may send none."
    )
    examples = (
        EditExample(
            _NEEDS,
            _NEEDS.replace("        arguments = {}  # nothing to see", "        return True  # nothing to see"),
            qualname="needs_approval",
            line=7,
            end_line=8,
        ),
        EditExample(
            _NEEDS.replace("needs_approval", "approve").replace("> 100", "< 100"),
            _NEEDS.replace("needs_approval", "approve")
            .replace("> 100", "< 100")
            .replace("        arguments = {}  # nothing", "        return False  # nothing"),
            qualname="approve",
            line=7,
            end_line=8,
        ),
        EditExample(
            _PARSE,
            _PARSE.replace('json.loads(arguments or "{}")', 'json.loads(arguments or "")'),
            qualname="parse_for_approval",
            line=4,
            end_line=8,
        ),
        EditExample(_NEEDS.replace("needs_approval", "amount_of"), "", qualname="amount_of", line=7, end_line=8),
        EditExample(_PARSE.replace("return None", "return {}"), "", qualname="parse_for_approval", line=4, end_line=8),
    )

    guards = (
        GuardExample(
            _NEEDS,
            passes=[f"not asked({text!r})" for text in ('{"amount": 5}', "{}", '{"amount": 100}')],
            stops=[f"asked({text!r})" for text in ('{"amount": 5000}', '{"amount": 5000', "", "{", "amount=5", "\x00")],
            setup="def asked(text):\n    return needs_approval({'arguments': text})\n",
            qualname="needs_approval",
            line=7,
            end_line=8,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Close the first opening at the anchor."""
        changes = _clauses(file, anchor) or _parsers(file, anchor)
        if not changes:
            raise Refusal(f"{anchor.place} goes on with nothing in no place of a form that is understood")
        return file.rewrite(changes)


def _clauses(file: PythonFile, anchor: Anchor) -> dict[cst.CSTNode, Change]:
    changes: dict[cst.CSTNode, Change] = {}
    for handler in file.find(anchor, cst.ExceptHandler):
        function = file.function(handler)
        verdict = _against(function.name.value) if function is not None else ""
        line = _only_line(handler)
        if not verdict or line is None or not _reads_wrong(file, handler) or not _empties(file, line):
            continue
        changes[line] = instead(file.statements(f"return {verdict}\n"))
    return changes


def _against(name: str) -> str:
    """What a gate of this name answers to stop a call; empty when it is none."""
    if not _LEAVE.search(name):
        return ""
    return "True" if _NEED.search(name) else "False"


def _only_line(handler: cst.ExceptHandler) -> cst.SimpleStatementLine | None:
    body = handler.body.body
    line = body[0] if len(body) == 1 else None
    return line if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1 else None


def _reads_wrong(file: PythonFile, handler: cst.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = [one.value for one in handler.type.elements] if isinstance(handler.type, cst.Tuple) else [handler.type]
    return all(_UNREADABLE.search(file.dotted(kind)) for kind in kinds)


def _empties(file: PythonFile, line: cst.SimpleStatementLine) -> bool:
    statement = line.body[0]
    if isinstance(statement, (cst.Assign, cst.AnnAssign)) and statement.value is not None:
        return _EMPTY.match(file.code(statement.value).strip()) is not None
    return isinstance(statement, cst.Pass)


def _parsers(file: PythonFile, anchor: Anchor) -> dict[cst.CSTNode, Change]:
    """`json.loads(text or "{}")` in a `try` whose clause answers None."""
    changes: dict[cst.CSTNode, Change] = {}
    for node in file.find(anchor, cst.BooleanOperation, lambda one: isinstance(one.operator, cst.Or)):
        default = node.right
        guarded = file.enclosing(node, cst.Try)
        if not isinstance(default, cst.SimpleString) or default.evaluated_value != "{}" or guarded is None:
            continue
        answers = [file.within(handler, cst.Return) for handler in guarded.handlers]
        if answers and all(len(found) == 1 and _is_none(found[0]) for found in answers):
            changes[default] = lambda old: old.with_changes(value=old.value.replace("{}", ""))
    return changes


def _is_none(node: cst.Return) -> bool:
    return node.value is None or (isinstance(node.value, cst.Name) and node.value.value == "None")

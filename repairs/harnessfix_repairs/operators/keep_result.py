"""keep-result: an exception that was made is raised, and a changed text is kept."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.scope import parameters

from .base import EditExample, GuardExample, Refusal

_ERROR = re.compile(r"^[A-Z]\w*(Error|Exception)$")
# Methods that give back a value of the sort that they were called on.
_SAME = ("strip", "lstrip", "rstrip", "lower", "upper", "title", "removeprefix", "removesuffix", "zfill", "model_copy")

_ANSWER = """\
def answer(text):
    if not text:
        # nothing to hand in
        ValueError("the model gave no answer")
    text.strip()  # models like blank lines
    return text
"""


class KeepResult(PythonOperator):
    """Raises an exception that is only made, and gives a changed value back to the name it came from.

    Anchor: the statement, or the function that holds it. No parameters.
    """

    name = "keep-result"
    summary = "Raise the exception that was made; keep the value that was changed."
    fix_safety = (
        "A line that did nothing now does what it says: a run that went on after a bad answer now ends there, so look "
        "who catches the exception, and code behind sees the changed text."
    )
    examples = (
        EditExample(_ANSWER, _ANSWER.replace("ValueError(", "raise ValueError("), qualname="answer", line=4),
        EditExample(_ANSWER, _ANSWER.replace("text.strip()", "text = text.strip()"), qualname="answer", line=5),
        EditExample(_ANSWER.replace("text.strip()", "text.split()"), "", qualname="answer", line=5),
        EditExample(_ANSWER.replace("    return text\n", ""), "", qualname="answer", line=5),
        EditExample(_ANSWER.replace("text.strip()", "TEXT.strip()"), "", qualname="answer", line=5),
        EditExample(
            "def is_text(value):\n    try:\n        value.strip()\n    except AttributeError:\n        return False\n"
            "    return value != ''\n",
            "",
            qualname="is_text",
            line=3,
        ),
    )
    guards = (
        GuardExample(
            "def answer(text):\n    text.removeprefix('x')\n    return text\n",
            passes=("answer('ab') == 'ab'", "answer('') == ''"),
            stops=("answer('xab') == 'ab'",),
            qualname="answer",
            line=2,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Mend every such statement at the anchor."""
        changes: dict[cst.CSTNode, Change] = {}
        for statement in file.find(anchor, (cst.Expr, cst.Raise, cst.Assign)):
            call = statement.value if isinstance(statement, cst.Expr) else None
            tried = file.enclosing(statement, (cst.Try, cst.TryStar, cst.With)) is not None
            if not isinstance(call, cst.Call) or tried:
                continue
            if _ERROR.match(file.dotted(call.func).rsplit(".", 1)[-1]):
                changes[statement] = lambda old: cst.Raise(old.value, semicolon=old.semicolon)
            elif owner := _changed(file, call):
                target = cst.AssignTarget(cst.Name(owner))
                changes[statement] = lambda old, target=target: cst.Assign([target], old.value, semicolon=old.semicolon)  # type: ignore[misc]
        if not changes:
            raise Refusal(f"{anchor.place} throws away no exception, and no changed text that is read afterwards")
        return file.rewrite(changes)


def _changed(file: PythonFile, call: cst.Call) -> str:
    """The local name whose changed value is thrown away and which is read later; empty for anything else."""
    func, function = call.func, file.function(call)
    if not isinstance(func, cst.Attribute) or not isinstance(func.value, cst.Name) or function is None:
        return ""
    name = func.value.value
    two = func.attr.value == "replace" and len(call.args) == 2 and isinstance(call.args[0].value, cst.SimpleString)
    if func.attr.value not in _SAME and not two:
        return ""
    assigned = {one.target.value for one in file.within(function, cst.AssignTarget) if isinstance(one.target, cst.Name)}
    if name not in {*assigned, *parameters(function)} or name in ("self", "cls"):
        return ""
    last = file.lines(call)[1]
    read = any(file.line(one) > last for one in file.within(function, cst.Name) if one.value == name)
    return name if read else ""

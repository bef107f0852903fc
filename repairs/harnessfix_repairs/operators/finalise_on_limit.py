"""finalise-on-limit: a loop that ran out returns what there is, and says that it was stopped."""

from collections.abc import Sequence
from typing import Any

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.blocks import after, before, instead
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.reporting import constant_text
from harnessfix_repairs.editing.scope import bound_at, names_in

from .base import EditExample, Refusal

_REPORT = """\
import pathlib


def run(model, messages, limit):
    for _ in range(limit):
        reply = model.query(messages)
        if reply["content"] == "DONE":
            return pathlib.Path("report.txt").read_text()
        write(reply["content"])
    return None  # out of steps
"""
_ANSWER = """\
class Agent:
    def run(self, messages):
        while self.steps < self.limit:
            reply = self.model.query(messages)
            if not reply.tool_calls:
                return reply.content
            messages += self.act(reply)
"""


class FinaliseOnLimit(PythonOperator):
    """Returns what the loop would have returned, marked as stopped at the limit, where it returned nothing.

    Anchor: the loop, or the function that holds it. No parameters.
    """

    name = "finalise-on-limit"
    summary = "Return what exists when the limit is reached, and say that it was."
    fix_safety = (
        "Callers that take None or an empty answer for 'the limit was reached' now get a text that begins with "
        "'stopped at the limit': look at them. What is returned is unfinished work, or the last thing that the model "
        "said; whether that is worth more than an exception with the same content is for you to say."
    )
    examples = (
        EditExample(
            _REPORT,
            _REPORT.replace(
                "    return None  # out of steps\n",
                '    # out of steps\n    try:\n        return "stopped at the limit; what there is:\\n" + '
                'pathlib.Path("report.txt").read_text()\n    except OSError:\n        return None\n',
            ),
            qualname="run",
            line=5,
        ),
        EditExample(
            _ANSWER,
            _ANSWER.replace("        while", "        last_said = None\n        while").replace(
                "query(messages)\n", "query(messages)\n            last_said = reply.content or last_said\n"
            )
            + '        return f"stopped at the limit; the last answer: {last_said}" if last_said else None\n',
            qualname="Agent.run",
            line=3,
        ),
        EditExample(_ANSWER.replace("return reply.content", "return len(reply)"), "", qualname="Agent.run", line=3),
        EditExample(_REPORT.replace("limit):", "limit) -> int:"), "", qualname="run", line=5),
        EditExample(_REPORT.replace("return None", "return 1"), "", qualname="run", line=5),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Return what there is behind the loop at the anchor."""
        for loop in file.find(anchor, (cst.For, cst.While)):
            assert isinstance(loop, (cst.For, cst.While))
            function, answer = file.function(loop), _answer(file, loop)
            if function is None or answer is None or loop.orelse is not None:
                continue
            if function.returns is not None and "str" not in file.code(function.returns.annotation):
                raise Refusal(f"{file.path}:{file.line(function)} returns something else than a text")
            if names_in(file, answer) <= bound_at(file, loop):
                return file.rewrite(_made_again(file, loop, answer))
            return file.rewrite(_last_said(file, function, loop, answer))
        raise Refusal(f"{anchor.place} has no loop that returns an answer")


def _made_again(file: PythonFile, loop: cst.For | cst.While, answer: cst.BaseExpression) -> dict[cst.CSTNode, Change]:
    """The answer is read from what the work left."""
    func = answer.func if isinstance(answer, cst.Call) else None
    if not isinstance(func, cst.Attribute) or func.attr.value not in ("read_text", "read"):
        raise Refusal(f"{file.path}:{file.line(answer)} returns what may not exist before the work is done")
    words = f'"stopped at the limit; what there is:\\n" + {file.code(answer)}'
    return _behind(file, loop, f"try:\n    return {words}\nexcept OSError:\n    return None\n")


def _last_said(
    file: PythonFile, function: cst.FunctionDef, loop: cst.For | cst.While, answer: cst.BaseExpression
) -> dict[cst.CSTNode, Change]:
    """The answer is what the model said last."""
    owner = _text_of(answer)
    lines = [line for line in loop.body.body if isinstance(line, cst.SimpleStatementLine)]
    given = [line for line in lines if owner and _assigns(line, owner)]
    if len(given) != 1:
        raise Refusal(f"{file.path}:{file.line(answer)} returns what is not the text of a reply of the same round")
    name = file.fresh(function, "last_said", "last_answer")
    (start,) = file.statements(f"{name} = None\n")
    (kept,) = file.statements(f"{name} = {file.code(answer)} or {name}\n")
    said = f'return f"stopped at the limit; the last answer: {{{name}}}" if {name} else None\n'
    changes = _behind(file, loop, said)
    follow = changes.pop(loop, None)
    front = before([start])
    return {**changes, loop: front if follow is None else _both(front, file.statements(said)), given[0]: after([kept])}


def _both(front: Change, behind: Sequence[Any]) -> Change:
    return lambda node: cst.FlattenSentinel([*front(node), *behind])


def _behind(file: PythonFile, loop: cst.For | cst.While, source: str) -> dict[cst.CSTNode, Change]:
    """Statements in place of the `return None` behind a loop, or behind it where the function ends there."""
    block = next(file.parents(loop))
    body = list(block.body) if isinstance(block, cst.IndentedBlock) else []
    following = body[body.index(loop) + 1 :]
    ends = isinstance(next(file.parents(block), None), cst.FunctionDef)
    if not following and ends:
        return {loop: after(file.statements(source))}
    line = following[0] if following else None
    if isinstance(line, cst.SimpleStatementLine) and isinstance(line.body[0], cst.Return) and len(line.body) == 1:
        value = line.body[0].value
        if value is None or file.code(value) in ("None", '""', "''"):
            return {line: instead(file.statements(source))}
    raise Refusal(f"{file.path}:{file.line(loop)} is followed by something else than an empty answer")


def _answer(file: PythonFile, loop: cst.For | cst.While) -> cst.BaseExpression | None:
    """What the loop returns, where it is the same wherever it returns."""
    returns = [one for one in file.within(loop.body, cst.Return) if file.function(one) is file.function(loop)]
    found = {file.code(one.value): one.value for one in returns if one.value is not None}
    return next(iter(found.values())) if len(found) == 1 else None


def _text_of(answer: cst.BaseExpression) -> str:
    """The name of the reply whose text an expression is."""
    if isinstance(answer, cst.Attribute) and answer.attr.value in ("content", "text"):
        return answer.value.value if isinstance(answer.value, cst.Name) else ""
    if isinstance(answer, cst.Subscript) and isinstance(answer.slice[0].slice, cst.Index):
        key = constant_text(answer.slice[0].slice.value)
        return answer.value.value if key in ("content", "text") and isinstance(answer.value, cst.Name) else ""
    return ""


def _assigns(line: cst.SimpleStatementLine, name: str) -> bool:
    small = line.body[0] if len(line.body) == 1 else None
    targets = [target.target for target in small.targets] if isinstance(small, cst.Assign) else []
    return any(isinstance(target, cst.Name) and target.value == name for target in targets)

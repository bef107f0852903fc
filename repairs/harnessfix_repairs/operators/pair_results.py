"""pair-results: every call is answered once, by its id."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.reporting import constant_text, message_calls
from harnessfix_repairs.editing.scope import loop_around

from .base import EditExample, Refusal

_CALLS = re.compile(r"(?i)(tool_?|function_?)?calls$|\[.(tool|function)_calls.\]$|\.get\(.(tool|function)_calls.*\)$")

_FIRST = """\
import json


def answer(messages, tools, calls):
    call = calls[0]  # what it wants
    # do it
    result = tools[call["name"]](**json.loads(call["arguments"]))
    messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
"""
_NO_ID = """\
def answer(messages, tools, reply):
    for call in reply.tool_calls:
        result = tools[call.name](call.arguments)
        messages.append({"role": "tool", "content": result})
"""


class PairResults(PythonOperator):
    """Answers each tool call of a reply, and names the call in the answer.

    `call = calls[0]` followed by what is done for it becomes a loop over all calls. A tool message in a loop over the
    calls that lacks `tool_call_id` gets it, from the call that the loop is at.

    Anchor: the line that takes the first call, the message, or the function that holds them.
    """

    name = "pair-results"
    summary = "Answer every tool call, and by its id."
    fix_safety = (
        "Where only the first call of a reply was run, all are run now, in order: look whether they may, and "
        "whether limits count each of them."
    )
    examples = (
        EditExample(
            _FIRST,
            """\
import json


def answer(messages, tools, calls):
    for call in calls:  # what it wants
        # do it
        result = tools[call["name"]](**json.loads(call["arguments"]))
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
""",
            qualname="answer",
            line=4,
            end_line=8,
        ),
        EditExample(
            _NO_ID,
            _NO_ID.replace('"role": "tool", ', '"role": "tool", "tool_call_id": call.id, '),
            qualname="answer",
            line=1,
            end_line=4,
        ),
        EditExample(_FIRST + "    return result\n", "", qualname="answer", line=4, end_line=9),
        EditExample("def first(rows):\n    row = rows[0]\n    print(row)\n", "", qualname="first", line=2),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Pair the results at the anchor."""
        for assign in file.find(anchor, cst.Assign, lambda node: _takes_first(file, node)):
            return _looped(file, assign)
        calls = set(file.find(anchor, cst.Call))
        seen = False
        for call, _, role in message_calls(file, file.module):
            loop = loop_around(file, call)
            if call not in calls or role not in ("tool", "function") or not isinstance(loop, cst.For):
                continue
            if not _CALLS.search(file.code(loop.iter)) or not isinstance(loop.target, cst.Name):
                continue
            seen = True
            message = call.args[0].value
            if isinstance(message, cst.Dict) and "tool_call_id" not in file.code(message):
                return file.rewrite({message: _with_id(file, message, loop)})
        if seen or any(_CALLS.search(file.code(loop.iter)) for loop in file.find(anchor, cst.For)):
            return file.text
        raise Refusal(f"{anchor.place} answers no tool calls in a way that is understood")


def _takes_first(file: PythonFile, node: cst.Assign) -> bool:
    value = node.value
    if (
        not isinstance(value, cst.Subscript)
        or not isinstance(node.targets[0].target, cst.Name)
        or len(node.targets) != 1
    ):
        return False
    return file.code(value).endswith("[0]") and bool(_CALLS.search(file.code(value.value)))


def _looped(file: PythonFile, assign: cst.Assign) -> str:
    line = file.statement(assign)
    block = next(file.parents(line))
    place = f"{file.path}:{file.line(assign)}"
    if not isinstance(block, cst.IndentedBlock) or not isinstance(line, cst.SimpleStatementLine):
        raise Refusal(f"{place} does not stand in the body of a function")
    body: list[cst.CSTNode] = list(block.body)
    rest = body[body.index(line) + 1 :]
    if not rest or any(file.within(node, (cst.Return, cst.Break, cst.Continue, cst.Yield)) for node in rest):
        raise Refusal(f"{place} is followed by something that leaves the block, which a loop would do too early")
    assert isinstance(assign.value, cst.Subscript)
    name, calls = file.code(assign.targets[0].target), file.code(assign.value.value)
    (made,) = file.statements(f"for {name} in {calls}:\n    pass\n")

    def change(node: cst.IndentedBlock) -> cst.IndentedBlock:
        kept = list(node.body)
        at = body.index(line)
        first = kept[at]
        assert isinstance(first, cst.SimpleStatementLine)
        inner = made.body.with_changes(body=kept[at + 1 :], header=first.trailing_whitespace)
        loop = made.with_changes(body=inner, leading_lines=first.leading_lines)
        return node.with_changes(body=[*kept[:at], loop])

    return file.rewrite({block: change})


def _with_id(file: PythonFile, message: cst.Dict, loop: cst.For) -> Change:
    name = file.code(loop.target)
    by_key = f'{name}["' in file.code(loop.body) or f"{name}['" in file.code(loop.body)
    element = cst.DictElement(
        file.expression('"tool_call_id"'), file.expression(f'{name}["id"]' if by_key else f"{name}.id")
    )

    def change(node: cst.Dict) -> cst.Dict:
        at = next(
            n for n, e in enumerate(node.elements) if isinstance(e, cst.DictElement) and constant_text(e.key) == "role"
        )
        role = node.elements[at]
        space = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
        comma = role.comma if isinstance(role.comma, cst.Comma) else space
        new = element.with_changes(comma=role.comma)
        return node.with_changes(
            elements=[*node.elements[:at], role.with_changes(comma=comma), new, *node.elements[at + 1 :]]
        )

    return change

"""pair-results: every call is answered once, by its id."""

import re
from collections.abc import Mapping

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import JsonValue
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.callees import functions_at
from harnessfix_repairs.editing.helpers import Helper
from harnessfix_repairs.editing.operator import PythonOperator, source_of
from harnessfix_repairs.editing.python import Change, PythonFile, python_file
from harnessfix_repairs.editing.reporting import constant_text, message_calls
from harnessfix_repairs.editing.scope import loop_around

from .base import EditExample, Refusal

_CALLS = re.compile(r"(?i)(tool_?|function_?)?calls$|\[.(tool|function)_calls.\]$|\.get\(.(tool|function)_calls.*\)$")

_TURNS = Helper(
    "_without_first_results",
    '''\
def _without_first_results(messages):
    """The messages without tool results at their beginning, whose calls were cut off."""
    for number, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else getattr(message, "role", None)
        if role not in ("tool", "function"):
            return messages[number:]
    return messages[:0]
''',
)
_WINDOW = """\
def window(messages):
    # the task and the last turns
    return messages[:1] + messages[1:][-3:]
"""
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
    calls that lacks `tool_call_id` gets it, from the call that the loop is at. A slice that keeps the last messages
    of a conversation no longer begins with results whose calls it cut off.

    Anchor: the line that takes the first call, the message, or the function that holds them or calls what cuts.

    Parameters:
        window: whether results stand without their calls because the conversation was cut.
    """

    name = "pair-results"
    summary = "Answer every tool call, and by its id."
    fix_safety = (
        "Where only the first call of a reply was run, all are run now, in order: look whether they may, and "
        "whether limits count each of them. A window is shorter by the results that it would have begun with: "
        "what they said is no longer sent."
    )
    adds = (_TURNS.name,)
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
        EditExample(
            _WINDOW,
            _TURNS.source + "\n\n" + _WINDOW.replace("messages[1:][-3:]", "_without_first_results(messages[1:][-3:])"),
            qualname="window",
            line=3,
            parameters={"window": True},
        ),
        EditExample(_WINDOW.replace("[-3:]", "[-1]"), "", qualname="window", line=3, parameters={"window": True}),
        EditExample(_FIRST + "    return result\n", "", qualname="answer", line=4, end_line=9),
        EditExample("def first(rows):\n    row = rows[0]\n    print(row)\n", "", qualname="first", line=2),
    )

    def symbols(self, files: Mapping[str, str], anchor: Anchor, parameters: Mapping[str, JsonValue]) -> list[str]:
        """What the anchor's function calls may cut the conversation."""
        if parameters.get("window") is not True:
            return []
        try:
            file = python_file(anchor.path, source_of(files, anchor))
            return [f"{anchor.path}:{file.qualname(function)}" for function in functions_at(file, anchor)]
        except Refusal:
            return []

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Pair the results at the anchor."""
        if spec.parameters.get("window") is True:
            return _without_strays(file, anchor)
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


def _without_strays(file: PythonFile, anchor: Anchor) -> str:
    """The text with the first slice that keeps the end of a conversation freed of results at its beginning."""
    for function in functions_at(file, anchor):
        if file.within(function, cst.Call) and f"{_TURNS.name}(" in file.code(function):
            return file.text
        for node in file.within(function, cst.Subscript):
            if _keeps_the_end(node) and not any(isinstance(above, cst.Call) for above in file.parents(node)):
                handed = any(isinstance(above, (cst.Return, cst.Assign)) for above in file.parents(node))
                if handed and file.function(node) is function:
                    return file.rewrite({node: _whole(file, node)}, helpers=[_TURNS])
    raise Refusal(f"{anchor.place} cuts no conversation in a way that is understood")


def _keeps_the_end(node: cst.Subscript) -> bool:
    part = node.slice[0].slice if len(node.slice) == 1 else None
    if not isinstance(part, cst.Slice) or part.upper is not None or part.step is not None:
        return False
    return isinstance(part.lower, cst.UnaryOperation) and isinstance(part.lower.operator, cst.Minus)


def _whole(file: PythonFile, cut: cst.Subscript) -> Change:
    return lambda _: file.expression(f"{_TURNS.name}({file.code(cut)})")


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

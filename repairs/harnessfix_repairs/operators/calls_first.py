"""calls-first: a turn with text and tool calls is no final answer."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import PythonFile
from harnessfix_repairs.editing.replacing import becomes
from harnessfix_repairs.editing.reporting import constant_text

from .base import EditExample, GuardExample, Refusal

_ASK = """\
def ask(client, messages):
    answer = client.create(messages)
    if answer["content"]:  # it has spoken
        return {"role": "assistant", "content": answer["content"]}
    return answer
"""
_OBJECT = """\
def ask(client, messages):
    message = client.create(messages).choices[0].message
    if message.content is not None:
        return message.content
    else:
        return run(message.tool_calls)
"""
_TEXTS = ("content", "text")


class CallsFirst(PythonOperator):
    """Takes the text of a reply for the answer only where the reply asks for no tool.

    `if reply["content"]:` becomes `if reply["content"] and not reply.get("tool_calls"):`.

    Anchor: the function that hands the text on. No parameters.
    """

    name = "calls-first"
    summary = "Look for tool calls first; text beside them is no final answer."
    fix_safety = (
        "A turn with text and calls now goes the way of a turn with calls alone: look whether that way keeps the text "
        "in the history. Turns with text alone and with calls alone go the way that they went."
    )
    examples = (
        EditExample(
            _ASK,
            _ASK.replace('answer["content"]:', 'answer["content"] and not answer.get("tool_calls"):'),
            qualname="ask",
            line=1,
            end_line=5,
        ),
        EditExample(
            _OBJECT,
            _OBJECT.replace("is not None:", "is not None and not message.tool_calls:"),
            qualname="ask",
            line=3,
        ),
        EditExample(_ASK.replace("    return answer\n", ""), "", qualname="ask", line=1, end_line=4),
        EditExample(_ASK.replace('answer["content"]:', "answer:"), "", qualname="ask", line=1, end_line=5),
        EditExample(
            _ASK.replace('answer["content"]:', 'answer["content"] or answer["refusal"]:'),
            "",
            qualname="ask",
            line=1,
            end_line=5,
        ),
    )
    guards = (
        GuardExample(
            _ASK,
            setup="class Client:\n    def create(self, reply):\n        return reply\n",
            passes=(
                "ask(Client(), {'content': 'x'}) == {'role': 'assistant', 'content': 'x'}",
                "ask(Client(), {'content': 'x', 'tool_calls': []}) == {'role': 'assistant', 'content': 'x'}",
            ),
            stops=("ask(Client(), {'content': 'x', 'tool_calls': [1]})['tool_calls'] == [1]",),
            qualname="ask",
            line=1,
            end_line=5,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Ask for calls in the test of the branch that keeps the text alone."""
        for branch in file.find(anchor, cst.If, lambda one: _keeps_text(file, one)):
            reply = _reply(branch.test)
            if reply is None:
                continue
            calls = _calls(file, branch.test, reply)
            test = file.expression(f"x and not {calls}")
            assert isinstance(test, cst.BooleanOperation)
            whole = test.with_changes(left=branch.test)
            return file.rewrite({branch.test: becomes(whole)})
        raise Refusal(f"{anchor.place} has no branch that asks for the text of a reply and hands on nothing else")


def _keeps_text(file: PythonFile, branch: cst.If) -> bool:
    """Whether a branch leaves the function without the calls, and what follows it would see to them."""
    last = branch.body.body[-1] if branch.body.body else None
    if not isinstance(last, cst.SimpleStatementLine) or not isinstance(last.body[-1], cst.Return):
        return False
    block = next(file.parents(branch))
    follows = isinstance(block, cst.IndentedBlock) and block.body[-1] is not branch
    return (follows or branch.orelse is not None) and "tool" not in file.code(branch.body) + file.code(branch.test)


def _reply(test: cst.BaseExpression) -> cst.BaseExpression | None:
    """What `reply["content"]`, `reply.get("content")`, `reply.content` and the like are asked of."""
    if isinstance(test, cst.Comparison):
        against = test.comparisons[0].comparator
        plain = isinstance(against, cst.Name) and against.value == "None" and len(test.comparisons) == 1
        return _reply(test.left) if plain and isinstance(test.comparisons[0].operator, cst.IsNot) else None
    if isinstance(test, cst.Attribute):
        return test.value if test.attr.value in _TEXTS else None
    if isinstance(test, cst.Subscript) and len(test.slice) == 1 and isinstance(test.slice[0].slice, cst.Index):
        return test.value if constant_text(test.slice[0].slice.value) in _TEXTS else None
    if isinstance(test, cst.Call) and isinstance(test.func, cst.Attribute) and test.func.attr.value == "get":
        return test.func.value if test.args and constant_text(test.args[0].value) in _TEXTS else None
    return None


def _calls(file: PythonFile, test: cst.BaseExpression, reply: cst.BaseExpression) -> str:
    left = test.left if isinstance(test, cst.Comparison) else test
    if isinstance(left, cst.Attribute):
        known = any(one.attr.value == "tool_calls" for one in file.within(file.module, cst.Attribute))
        return f"{file.code(reply)}.tool_calls" if known else f'getattr({file.code(reply)}, "tool_calls", None)'
    return f'{file.code(reply)}.get("tool_calls")'

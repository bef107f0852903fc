"""validate-final: an empty answer is sent back, not handed in."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import before, indented, own_line
from harnessfix_repairs.editing.logs import imports_for_log, log_call
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import PythonFile
from harnessfix_repairs.editing.reporting import constant_text, report
from harnessfix_repairs.editing.scope import loop_around

from .base import EditExample, GuardExample, Refusal

_BEFORE = """\
import logging


def run(model, messages):
    for _ in range(4):
        reply = model.query(messages)
        messages.append(reply)
        if not reply.get("tool_calls"):
            # that is it
            return reply["content"]
        messages.append({"role": "user", "content": "Go on."})
    return None
"""
_FINAL = """\
def run(model, messages):
    for _ in range(3):
        reply = model(messages)
        if reply is not None:
            return reply
        messages.append({"role": "user", "content": "go on"})
    return None
"""


class ValidateFinal(PythonOperator):
    """Checks that an answer is not empty before the loop returns it; an empty one is answered in the same loop.

    Where the answer is looked for in the whole conversation (`return last_text(messages)`), the turn that ends the run
    is checked, so that an earlier turn's text does not take its place.

    Anchor: the `return` that hands the answer in, or the function that holds it.

    Parameters:
        answer: source of the answer, when several things are returned.
        raises: dotted name of an exception to raise for an empty answer, instead of sending it back.
    """

    name = "validate-final"
    summary = "Send an empty answer back instead of handing it in."
    fix_safety = (
        "A run that ended with an empty answer takes another round: look whether an empty answer can be right "
        "(nothing found, no change needed), and whether the rounds are bounded. The refusal is logged."
    )
    examples = (
        EditExample(
            _BEFORE,
            _BEFORE.replace(
                "            # that is it\n",
                '            if not str("" if reply["content"] is None else reply["content"]).strip():\n'
                '                logging.getLogger(__name__).warning("an empty answer was not handed in")\n'
                '                messages.append({"role": "user", "content": "your answer was empty; send it again"})\n'
                "                continue\n"
                "            # that is it\n",
            ),
            qualname="run",
            line=10,
        ),
        EditExample(
            _BEFORE.replace('return reply["content"]', 'return submit(reply["content"].strip())'),
            _BEFORE.replace(
                '            # that is it\n            return reply["content"]\n',
                '            if not reply["content"].strip().strip():\n'
                '                logging.getLogger(__name__).warning("an empty answer was not handed in")\n'
                '                messages.append({"role": "user", "content": "your answer was empty; send it again"})\n'
                "                continue\n"
                '            # that is it\n            return submit(reply["content"].strip())\n',
            ),
            qualname="run",
            line=10,
        ),
        EditExample(
            _BEFORE.replace('return reply["content"]', "return last_text(messages)"),
            _BEFORE.replace(
                '            # that is it\n            return reply["content"]\n',
                '            if not str(reply.get("content") or "").strip():\n'
                '                logging.getLogger(__name__).warning("an empty answer was not handed in")\n'
                '                messages.append({"role": "user", "content": "your answer was empty; send it again"})\n'
                "                continue\n"
                "            # that is it\n            return last_text(messages)\n",
            ),
            qualname="run",
            line=10,
        ),
        EditExample("def submit(answer):\n    return answer.strip()\n", "", qualname="submit", line=2),
        EditExample(_BEFORE.replace('return reply["content"]', "return None"), "", qualname="run", line=4, end_line=12),
    )

    guards = (
        GuardExample(
            _FINAL,
            passes=[f"run(model({value!r}), []) == {value!r}" for value in ("0", " x ", 0, 0.5, False, {"a": ""})],
            stops=[f"run(model({value!r}, 'x'), []) == 'x'" for value in ("", " ", " \n\t")],
            setup="def model(*replies):\n    left = iter([*replies, None, None])\n    return lambda seen: next(left)\n",
            qualname="run",
            line=5,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Check the first answer that a loop at the anchor returns."""
        wanted = parameters.text(spec, "answer")
        raises = parameters.dotted_source(spec, "raises")
        for node in file.find(anchor, cst.Return):
            stale = _of_this_turn(file, node)
            if stale is not None:
                return _checked(file, node, *stale, raises)
            value = _answer(file, node)
            if value is None or loop_around(file, node) is None:
                continue
            source = file.code(value)
            if source in ("None", "True", "False") or constant_text(value) is not None or (wanted and source != wanted):
                continue
            line = own_line(file, node)
            test = f'not str("" if {source} is None else {source}).strip()'
            test = f"not {source}.strip()" if _is_text_call(file, value) else test
            if f"if {test}:" in file.code(next(file.parents(line))):
                return file.text
            said = report(file, line, '"your answer was empty; send it again"', raises=raises, values=False)
            log = log_call(file, "an empty answer was not handed in")
            check = file.statements(f"if {test}:\n{indented(log + said)}")
            return file.rewrite({line: before(check)}, imports=imports_for_log(file))
        raise Refusal(f"{anchor.place} returns no answer from a loop that could send it back")


def _of_this_turn(file: PythonFile, node: cst.Return) -> tuple[str, str] | None:
    """For a `return` of what is looked for in the whole conversation: the content of this turn, and the conversation.

    The turn is the name that the loop adds to the conversation before.
    """
    call, loop = node.value, loop_around(file, node)
    if not isinstance(call, cst.Call) or loop is None:
        return None
    given = {file.code(arg.value) for arg in call.args}
    for adding in file.within(loop, cst.Call):
        owner, _, method = file.code(adding.func).rpartition(".")
        turn = adding.args[0].value if len(adding.args) == 1 else None
        before_it = file.line(adding) < file.line(node) and loop_around(file, adding) is loop
        if method != "append" or owner not in given or not isinstance(turn, cst.Name) or not before_it:
            continue
        by_key = re.search(rf"\b{turn.value}(\[|\.get\()", file.code(loop)) is not None
        return f'{turn.value}.get("content")' if by_key else f"{turn.value}.content", owner
    return None


def _checked(file: PythonFile, node: cst.Return, content: str, conversation: str, raises: str) -> str:
    """The text with a check that this turn says something, before an answer is looked for in all turns."""
    line = own_line(file, node)
    test = f'not str({content} or "").strip()'
    if f"if {test}:" in file.code(next(file.parents(line))):
        return file.text
    words = '"your answer was empty; send it again"'
    said = f'{conversation}.append({{"role": "user", "content": {words}}})\ncontinue\n'
    said = f"raise {raises}({words})\n" if raises else said
    log = log_call(file, "an empty answer was not handed in")
    check = file.statements(f"if {test}:\n{indented(log + said)}")
    return file.rewrite({line: before(check)}, imports=imports_for_log(file))


def _answer(file: PythonFile, node: cst.Return) -> cst.BaseExpression | None:
    """What a `return` hands in: a value, or the one argument of a call that says so by its name."""
    value = node.value
    if isinstance(value, (cst.Name, cst.Attribute, cst.Subscript)):
        return value
    if not isinstance(value, cst.Call) or len(value.args) != 1 or value.args[0].star:
        return None
    handed_in = re.search(r"(?i)submit|finish|answer|hand_?in|complete", file.code(value.func).rsplit(".", 1)[-1])
    inner = value.args[0].value
    # The argument is written twice, so it may do no more than look at a text.
    calls = [file.code(call.func).rsplit(".", 1)[-1] for call in file.within(inner, cst.Call)]
    pure = all(name in ("strip", "lstrip", "rstrip", "removeprefix", "removesuffix", "get") for name in calls)
    return inner if handed_in and pure else None


def _is_text_call(file: PythonFile, value: cst.BaseExpression) -> bool:
    """Whether a value is made by a method that only texts have."""
    return isinstance(value, cst.Call) and not file.code(value.func).endswith("get")

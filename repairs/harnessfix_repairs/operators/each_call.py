"""each-call: all the calls of a turn are made, not the first alone."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import PythonFile

from .base import EditExample, GuardExample, Refusal

_CALLS = re.compile(r"^(tool_?calls|function_?calls|tool_?uses|parsed_actions)$", re.IGNORECASE)
_LEAVES = (cst.Return, cst.Break, cst.Continue, cst.Yield)

_STEP = """\
class Agent:
    def step(self, messages):
        reply = self.model.query(messages)
        if not reply.tool_calls:
            return reply.content
        # what it asked for
        call = reply.tool_calls[0]
        # answered by its id
        done = self.tools[call.name](**call.arguments)
        messages.append({"role": "tool", "tool_call_id": call.id, "content": done})
        return None
"""


class EachCall(PythonOperator):
    """Turns `call = reply.tool_calls[0]` and what follows it into a loop over `reply.tool_calls`.

    The statements behind it must not leave the function or a loop, except for a last `return` of nothing or a constant,
    and must answer the call.

    Anchor: the assignment, or the function that holds it. No parameters.
    """

    name = "each-call"
    summary = "Make and answer every call of a turn."
    fix_safety = (
        "Calls that were dropped are now made, in their order: look whether tools may run several times in a turn, "
        "and whether a limit or an approval counts turns where it should count calls. A turn with no calls makes none, "
        "where the first of nothing was an IndexError."
    )
    examples = (
        EditExample(
            _STEP,
            _STEP.replace("call = reply.tool_calls[0]", "for call in reply.tool_calls:")
            .replace("        # answered", "            # answered")
            .replace("        done =", "            done =")
            .replace("        messages.append", "            messages.append"),
            qualname="Agent.step",
            line=7,
        ),
        EditExample(_STEP.replace("return None", "return done"), "", qualname="Agent.step", line=7),
        EditExample(
            _STEP.replace("        messages.append", "        return done\n        messages.append"),
            "",
            qualname="Agent.step",
            line=7,
        ),
        EditExample(_STEP.replace("call.", "reply."), "", qualname="Agent.step", line=7),
        EditExample(_STEP.replace("tool_calls[0]", "choices[0]"), "", qualname="Agent.step", line=7),
    )
    guards = (
        GuardExample(
            "def step(calls, out):\n    first = calls.tool_calls[0]\n    out.append(first)\n    return None\n",
            passes=("run(['a']) == ['a']",),
            stops=("run(['a', 'b', 'c']) == ['a', 'b', 'c']",),
            setup=(
                "from types import SimpleNamespace\ndef run(calls):\n    out = []\n"
                "    step(SimpleNamespace(tool_calls=calls), out)\n    return out\n"
            ),
            qualname="step",
            line=2,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Go through all calls where the anchor takes the first."""
        for node in file.find(anchor, cst.Assign, lambda one: len(one.targets) == 1 and _is_first(one.value)):
            line = file.statement(node)
            block = next(file.parents(line))
            target = node.targets[0].target
            if not isinstance(block, cst.IndentedBlock) or not isinstance(target, cst.Name):
                continue
            assert isinstance(line, cst.SimpleStatementLine)
            if len(line.body) != 1 or line.trailing_whitespace.comment is not None:
                continue
            at = list(block.body).index(line)
            inside, end = _parts(file, list(block.body[at + 1 :]))
            _check(file, node, target.value, inside, end)
            assert isinstance(node.value, cst.Subscript)
            loop = cst.For(target, node.value.value, cst.IndentedBlock(inside), leading_lines=line.leading_lines)
            body = [*block.body[:at], loop, *end]
            return file.rewrite({block: lambda old, body=body: old.with_changes(body=body)})  # type: ignore[misc]
        raise Refusal(f"{anchor.place} gives no name to the first of a turn's calls")


def _is_first(value: cst.BaseExpression) -> bool:
    """Whether a value is `….tool_calls[0]`."""
    if not isinstance(value, cst.Subscript) or len(value.slice) != 1 or not isinstance(value.value, cst.Attribute):
        return False
    index = value.slice[0].slice
    first = isinstance(index, cst.Index) and isinstance(index.value, cst.Integer) and index.value.value == "0"
    return first and _CALLS.match(value.value.attr.value) is not None


def _parts(file: PythonFile, rest: list[cst.BaseStatement]) -> tuple[list[cst.BaseStatement], list[cst.BaseStatement]]:
    """What is done with the call, and a last `return` of nothing or a constant."""
    last = rest[-1].body[0] if rest and isinstance(rest[-1], cst.SimpleStatementLine) else None
    if isinstance(last, cst.Return) and isinstance(last.value, (cst.Name, cst.SimpleString, cst.Integer, type(None))):
        return rest[:-1], rest[-1:]
    return rest, []


def _check(
    file: PythonFile, node: cst.Assign, name: str, inside: list[cst.BaseStatement], end: list[cst.BaseStatement]
) -> None:
    """Raise `Refusal` unless what follows can be done once for each call."""
    place = f"{file.path}:{file.line(node)}"
    used = [one for part in inside for one in file.within(part, cst.Name) if one.value == name]
    if not used:
        raise Refusal(f"{place} does nothing with the call that could be done with all")
    if any(file.within(part, _LEAVES) for part in inside):
        raise Refusal(f"{place} is followed by a statement that leaves the function or a loop before all are done")
    made = {
        target.target.value
        for part in inside
        for target in file.within(part, cst.AssignTarget)
        if isinstance(target.target, cst.Name)
    }
    after = {one.value for part in end for one in file.within(part, cst.Name)}
    if after & {*made, name}:
        raise Refusal(f"{place} returns what was made of the one call")
    function = file.function(node)
    first, last = file.line(node), file.lines(inside[-1])[1]
    elsewhere = file.within(function, cst.Name) if function is not None else []
    if any(one.value in {*made, name} and not first <= file.line(one) <= last for one in elsewhere):
        raise Refusal(f"{place} has its results used elsewhere, where there may now be several")

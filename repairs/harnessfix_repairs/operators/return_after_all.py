"""return-after-all: a turn's calls are all gone through before what one of them ends is ended."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.blocks import instead, own_line
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.scope import loop_around

from .base import EditExample, GuardExample, Refusal

_ACT = """\
def act(calls, run_tool):
    for call in calls:
        if call["name"] == "hand_over":
            return call["to"]  # the other agent
        run_tool(call)
    return None
"""
_BREAK = """\
def act(calls, run_tool):
    done = []
    for call in calls:
        if call["name"] == "stop":
            done.append("stopped")
            break
        done.append(run_tool(call))
    return done
"""


class ReturnAfterAll(PythonOperator):
    """Goes on with the calls behind the one at which the loop over them was left, and leaves afterwards.

    `return answer` in the loop becomes `ended.append(answer)` and `continue`, with `return ended[0]` behind the loop;
    `break` becomes `continue`.

    Anchor: the `return` or `break` in the loop. No parameters.
    """

    name = "return-after-all"
    summary = "Go through all calls of the turn before acting on the one that ends it."
    fix_safety = (
        "The calls behind the special one are now run, with their effects: look whether any of them must not be once "
        "the turn is to end, and refuse such a turn instead. Of several calls that end the turn the first counts, as "
        "before. The call that ends it still gets no answer of its own in the history."
    )
    examples = (
        EditExample(
            _ACT,
            _ACT.replace(
                '            return call["to"]  # the other agent\n',
                '            ended.append(call["to"])  # the other agent\n            continue\n',
            )
            .replace("    for call", "    ended = []\n    for call")
            .replace("    return None", "    if ended:\n        return ended[0]\n    return None"),
            qualname="act",
            line=4,
        ),
        EditExample(_BREAK, _BREAK.replace("break", "continue"), qualname="act", line=6),
        EditExample(_ACT.replace("    return None", "    else:\n        return 1"), "", qualname="act", line=4),
        EditExample(_ACT.replace("return call", "yield call"), "", qualname="act", line=4),
        EditExample("def first(names):\n    return names[0]\n", "", qualname="first", line=2),
    )
    guards = (
        GuardExample(
            _ACT,
            passes=("act([], print) is None", "act([{'name': 'hand_over', 'to': 'b'}], print) == 'b'"),
            stops=(
                "act([{'name': 'hand_over', 'to': None}, {'name': 'x'}], seen.append) is None and len(seen) == 1",
                "act([{'name': 'hand_over', 'to': 'b'}, {'name': 'hand_over', 'to': 'c'}], print) == 'b'",
            ),
            setup="seen = []\n",
            qualname="act",
            line=4,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Put the jump at the anchor off until the loop is through."""
        for jump in file.find(anchor, (cst.Return, cst.Break)):
            loop, function = loop_around(file, jump), file.function(jump)
            if loop is None or function is None or not isinstance(loop, cst.For):
                continue
            line = own_line(file, jump)
            if loop.orelse is not None:
                raise Refusal(f"{file.path}:{file.line(loop)} has an `else`, which runs when the loop was not left")
            if _in_cleanup(file, jump, loop):
                raise Refusal(f"{file.path}:{file.line(jump)} leaves the loop from a `finally` or a `with`")
            if isinstance(jump, cst.Return):
                return file.rewrite(_put_off(file, function, loop, line, jump))
            return file.rewrite({jump: lambda _: cst.Continue()})
        raise Refusal(f"{anchor.place} leaves no loop over calls")


def _put_off(
    file: PythonFile, function: cst.FunctionDef, loop: cst.For, line: cst.SimpleStatementLine, jump: cst.Return
) -> dict[cst.CSTNode, Change]:
    if not isinstance(next(file.parents(loop)), cst.IndentedBlock):
        raise Refusal(f"{file.path}:{file.line(loop)} stands in no block of its own")
    name = file.fresh(function, "ended", "ended_with", "to_return")
    value = file.code(jump.value) if jump.value is not None else "None"
    kept, go_on = file.statements(f"{name}.append({value})\ncontinue\n")
    (start,) = file.statements(f"{name} = []\n")
    (leave,) = file.statements(f"if {name}:\n    return {name}[0]\n")

    def around(node: cst.For) -> cst.CSTNode:
        first = start.with_changes(leading_lines=node.leading_lines)
        return cst.FlattenSentinel([first, node.with_changes(leading_lines=()), leave])  # type: ignore[return-value]

    return {line: instead([kept, go_on]), loop: around}


def _in_cleanup(file: PythonFile, jump: cst.CSTNode, loop: cst.For) -> bool:
    for above in file.parents(jump):
        if above is loop:
            return False
        if isinstance(above, (cst.Finally, cst.With)):
            return True
    return True

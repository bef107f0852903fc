"""count-once: a unit is counted where it is spent, and nowhere else."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import PythonFile

from .base import EditExample, GuardExample, Refusal

_BRANCHES = (cst.If, cst.ExceptHandler, cst.While, cst.For, cst.Match, cst.With, cst.Lambda)

_AGENT = """\
class Agent:
    def step(self, messages):
        self.calls += 1
        reply = self.ask(messages)
        return reply["content"]

    def ask(self, messages):
        self.calls += 1
        return self.model.query(messages)
"""


class CountOnce(PythonOperator):
    """Takes a counter's `+= 1` out of a method that calls, in the same block, one which counts the same unit.

    Anchor: the statement that counts in the caller, or the caller. No parameters.
    """

    name = "count-once"
    summary = "Count a unit where it is spent, and nowhere else."
    fix_safety = (
        "The counter moves half as fast as before, so a limit lets through twice as much, as it says: look whether "
        "someone doubled the limit to make up for it. Between the two places the counter is lower by one."
    )
    examples = (
        EditExample(
            _AGENT,
            _AGENT.replace("        self.calls += 1\n        reply", "        reply"),
            qualname="Agent.step",
            line=3,
        ),
        EditExample(_AGENT, "", qualname="Agent.ask", line=8),
        EditExample(
            _AGENT.replace(
                "        self.calls += 1\n        return",
                "        if messages:\n            self.calls += 1\n        return",
            ),
            "",
            qualname="Agent.step",
            line=3,
        ),
        EditExample(
            _AGENT.replace("calls += 1\n        reply", "calls += 1  # one\n        reply"),
            "",
            qualname="Agent.step",
            line=3,
        ),
        EditExample(
            _AGENT.replace(
                "        reply = self.ask",
                "        if self.calls > 9:\n            return None\n        reply = self.ask",
            ),
            "",
            qualname="Agent.step",
            line=3,
        ),
    )
    guards = (
        GuardExample(
            _AGENT,
            passes=("stepped(Agent, 0)[0] is None", "stepped(Agent, 1)[0] == 'said'"),
            stops=("stepped(Agent, 1)[1] == 1", "stepped(Agent, 3)[1] == 3"),
            setup=(
                "class Model:\n    def query(self, messages):\n        return {'content': 'said'}\n"
                "def stepped(kind, times):\n    made, said = kind(), None\n    made.calls, made.model = 0, Model()\n"
                "    for _ in range(times):\n        said = made.step([])\n    return said, made.calls\n"
            ),
            qualname="Agent.step",
            line=3,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Take out the first such statement at the anchor."""
        for moved in file.find(anchor, cst.AugAssign, lambda one: bool(_counter(file, one))):
            line = file.statement(moved)
            block = next(file.parents(line))
            if not isinstance(line, cst.SimpleStatementLine) or not isinstance(block, cst.IndentedBlock):
                continue
            commented = line.trailing_whitespace.comment or any(one.comment for one in line.leading_lines)
            if len(line.body) != 1 or commented or len(block.body) < 2:
                continue
            beside = [one for one in block.body if one is not line and isinstance(one, cst.SimpleStatementLine)]
            calls = [call for one in beside for call in file.within(one, cst.Call)]
            counter = _counter(file, moved)
            if any(_counts(file, call, counter) for call in calls) and not _is_read(file, moved, counter):
                left = [one for one in block.body if one is not line]
                return file.rewrite({block: lambda old, left=left: old.with_changes(body=left)})  # type: ignore[misc]
        raise Refusal(f"{anchor.place} counts nothing by one that a method which it calls is sure to count again")


def _counter(file: PythonFile, moved: cst.AugAssign) -> str:
    """The attribute of `self` that a statement moves by one; empty for anything else."""
    one = isinstance(moved.operator, cst.AddAssign) and file.code(moved.value) == "1"
    own = isinstance(moved.target, cst.Attribute) and file.code(moved.target.value) == "self"
    return file.code(moved.target) if one and own else ""


def _counts(file: PythonFile, call: cst.Call, counter: str) -> bool:
    """Whether a call is one of a method of this class that moves the counter on every way through it."""
    func, owner, around = call.func, file.klass(call), file.function(call)
    if not isinstance(func, cst.Attribute) or file.code(func.value) != "self" or owner is None:
        return False
    if any(
        isinstance(above, (cst.Lambda, cst.BaseComp, cst.IfExp, cst.BooleanOperation)) for above in _inside(file, call)
    ):
        return False
    found = [one for one in owner.body.body if isinstance(one, cst.FunctionDef) and one.name.value == func.attr.value]
    if len(found) != 1 or found[0] is around:
        return False
    again = [one for one in file.within(found[0], cst.AugAssign) if _counter(file, one) == counter]
    early = min((file.line(one) for one in file.within(found[0], cst.Return)), default=0)
    sure = [one for one in again if file.function(one) is found[0] and not _is_conditional(file, one)]
    return any(not early or file.line(one) < early for one in sure)


def _inside(file: PythonFile, call: cst.Call) -> list[cst.CSTNode]:
    """What is around a call in its own statement."""
    found: list[cst.CSTNode] = []
    for above in file.parents(call):
        if isinstance(above, cst.BaseStatement):
            break
        found.append(above)
    return found


def _is_conditional(file: PythonFile, node: cst.CSTNode) -> bool:
    for above in file.parents(node):
        if isinstance(above, cst.FunctionDef):
            return False
        if isinstance(above, _BRANCHES):
            return True
    return True


def _is_read(file: PythonFile, moved: cst.AugAssign, counter: str) -> bool:
    """Whether the function looks at the counter elsewhere, as its own count would then be missed."""
    function = file.function(moved)
    held = file.within(function, cst.Attribute) if function is not None else []
    return any(file.code(one) == counter and one is not moved.target for one in held)

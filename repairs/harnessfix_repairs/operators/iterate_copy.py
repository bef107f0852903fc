"""iterate-copy: a loop that takes members out of what it goes through passes over none."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.scope import is_rebound, loop_around

from .base import EditExample, GuardExample, Refusal

_REMOVES = ("remove", "pop", "popitem", "clear", "discard", "popleft", "insert")
_VIEWS = ("items", "keys", "values")

_FORGET = """\
class Memory:
    def forget_images(self):
        for message in self.messages:  # all of them
            if message.get("type") == "image":
                self.messages.remove(message)
"""
_CLOSE = """\
def close(sessions):
    for name, session in sessions.items():
        if session.done:
            del sessions[name]
"""
_ODD = """\
def without_odd(numbers):
    for number in numbers:
        if number % 2:
            numbers.remove(number)
    return numbers
"""


class IterateCopy(PythonOperator):
    """Goes through a copy: `for message in messages:` becomes `for message in list(messages):`.

    Anchor: the line that removes, the loop, or the function that holds it. No parameters.
    """

    name = "iterate-copy"
    summary = "Go through a copy of what the loop takes members out of."
    fix_safety = (
        "Every member that was there at the start is now looked at, also those that were passed over and those that "
        "the loop itself has taken out by then: look whether the body can meet a member that is gone. A dictionary "
        "no longer raises RuntimeError. The copy holds references only."
    )
    examples = (
        EditExample(
            _FORGET,
            _FORGET.replace("in self.messages:", "in list(self.messages):"),
            qualname="Memory.forget_images",
            line=5,
        ),
        EditExample(_CLOSE, _CLOSE.replace("sessions.items()", "list(sessions.items())"), qualname="close", line=4),
        EditExample(_FORGET.replace("self.messages.remove", "self.images.append"), "", qualname="Memory.forget_images"),
        EditExample(
            _CLOSE.replace("            del sessions[name]", "            del sessions[name]\n            break"),
            "",
            qualname="close",
            line=4,
        ),
        EditExample(_CLOSE.replace("def close(sessions)", "def close(sessions, list)"), "", qualname="close", line=4),
        EditExample(
            "async def close(sessions):\n    async for one in sessions:\n        sessions.remove(one)\n",
            "",
            qualname="close",
            line=3,
        ),
    )
    guards = (
        GuardExample(
            _ODD,
            passes=("without_odd([2, 4]) == [2, 4]", "without_odd([]) == []", "without_odd([1, 2]) == [2]"),
            stops=("without_odd([1, 3, 5, 2]) == [2]", "without_odd({1, 2, 3}) == {2}"),
            qualname="without_odd",
            line=4,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Copy what every such loop at the anchor goes through."""
        changes: dict[cst.CSTNode, Change] = {}
        for loop in file.find(anchor, cst.For, lambda one: _loses(file, one)):
            changes[loop.iter] = lambda old: cst.Call(cst.Name("list"), [cst.Arg(old)])
        if not changes:
            raise Refusal(f"{anchor.place} has no loop that goes on after it took a member out of what it goes through")
        if is_rebound(file, "list"):
            raise Refusal(f"{file.path} gives `list` a meaning of its own")
        return file.rewrite(changes)


def _loses(file: PythonFile, loop: cst.For) -> bool:
    """Whether the loop's own body takes members out of what it goes through, and goes on."""
    if loop.asynchronous is not None:
        return False
    what: cst.BaseExpression = loop.iter
    if isinstance(what, cst.Call) and isinstance(what.func, cst.Attribute) and what.func.attr.value in _VIEWS:
        what = what.func.value
    if not isinstance(what, (cst.Name, cst.Attribute)) or not file.dotted(what):
        return False
    name = file.code(what)
    if any(file.code(target.target) == name for target in file.within(loop.body, cst.AssignTarget)):
        return False  # the loop goes on with the old one
    removals = [node for node in file.within(loop.body, (cst.Call, cst.Del)) if _removes(file, node, name)]
    return any(loop_around(file, node) is loop and not _leaves(file, node, loop) for node in removals)


def _removes(file: PythonFile, node: cst.CSTNode, name: str) -> bool:
    if isinstance(node, cst.Del):
        gone = node.target
        parts = [e.value for e in gone.elements] if isinstance(gone, cst.Tuple) else [gone]
        return any(isinstance(part, cst.Subscript) and file.code(part.value) == name for part in parts)
    func = node.func if isinstance(node, cst.Call) else None
    return isinstance(func, cst.Attribute) and func.attr.value in _REMOVES and file.code(func.value) == name


def _leaves(file: PythonFile, node: cst.CSTNode, loop: cst.For) -> bool:
    """Whether a block between the removal and the loop ends by leaving the loop."""
    for block in file.parents(node):
        if block is loop:
            return False
        last = block.body[-1] if isinstance(block, cst.IndentedBlock) and block.body else None
        if isinstance(last, cst.SimpleStatementLine) and isinstance(last.body[-1], (cst.Break, cst.Return, cst.Raise)):
            return True
    return False

"""fix-interval: what is due at every n-th step is due for every n."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.replacing import keeping_parentheses

from .base import EditExample, Refusal

_DUE = """\
class Agent:
    def is_due(self, step):
        # plan at the first step, then every so often
        return self.interval is not None and step % self.interval == 1
"""


class FixInterval(PythonOperator):
    """Moves the remainder that a test asks for into what is divided: `x % n == 1` becomes `(x - 1) % n == 0`.

    Both hold for the same `x` where `n` is larger than the remainder; the second also holds where it is not.

    Anchor: the comparison, or the function that holds it. No parameters.
    """

    name = "fix-interval"
    summary = "Make what is due every n-th step due for every n."
    fix_safety = (
        "Nothing changes for an interval that is larger than the remainder. For a smaller one, what never happened "
        "now happens at every step that is due: look whether someone set such an interval to switch it off."
    )
    examples = (
        EditExample(
            _DUE,
            _DUE.replace("step % self.interval == 1", "(step - 1) % self.interval == 0"),
            qualname="Agent.is_due",
            line=4,
        ),
        EditExample(
            "def skip(number, every):\n    return (number + 1) % every != 2\n",
            "def skip(number, every):\n    return (number + 1 - 2) % every != 0\n",
            qualname="skip",
            line=2,
        ),
        EditExample(_DUE.replace("== 1", "== 0"), "", qualname="Agent.is_due", line=4),
        EditExample("def odd(number):\n    return number % 2 == 1\n", "", qualname="odd", line=2),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Rewrite every such comparison at the anchor."""
        changes: dict[cst.CSTNode, Change] = {}
        for node in file.find(anchor, cst.Comparison, lambda one: len(one.comparisons) == 1):
            source = _rewritten(file, node)
            if source:
                made = file.expression(source)
                changes[node] = keeping_parentheses(made)
        if not changes:
            raise Refusal(f"{anchor.place} compares no remainder by a variable interval with a number above zero")
        return file.rewrite(changes)


def _rewritten(file: PythonFile, node: cst.Comparison) -> str:
    left, target = node.left, node.comparisons[0]
    rest = target.comparator
    if not isinstance(left, cst.BinaryOperation) or not isinstance(left.operator, cst.Modulo):
        return ""
    if not isinstance(target.operator, (cst.Equal, cst.NotEqual)) or not isinstance(rest, cst.Integer):
        return ""
    if isinstance(left.right, cst.BaseNumber) or isinstance(left.left, (cst.SimpleString, cst.FormattedString)):
        return ""  # a fixed interval is what it is, and text is formatted
    if rest.evaluated_value <= 0:
        return ""
    number = left.left.with_changes(lpar=(), rpar=())
    sign = "==" if isinstance(target.operator, cst.Equal) else "!="
    return f"({file.code(number)} - {rest.value}) % {file.code(left.right)} {sign} 0"

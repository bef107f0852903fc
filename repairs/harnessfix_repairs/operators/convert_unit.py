"""convert-unit: seconds are handed on as the milliseconds that the other side counts."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.replacing import keeping_parentheses

from .base import EditExample, GuardExample, Refusal

_MILLI = re.compile(r"(_ms|_millis|_milliseconds|_msec)$|[a-z]Ms$", re.IGNORECASE)
_SECONDS = re.compile(r"(_s|_secs?|_seconds)$|(^|_)(timeout|delay|elapsed|duration|interval)$", re.IGNORECASE)
_ROUNDS = ("int", "float", "round")

_ASK = """\
class Agent:
    def ask(self, messages):
        # the client counts in milliseconds
        return self.client.complete(messages, timeout_ms=int(self.timeout))
"""
_WAIT = "def wait(page, delay):\n    page.wait(timeout_ms=delay)\n"


class ConvertUnit(PythonOperator):
    """Multiplies by 1000 where seconds are given for an argument in milliseconds: `timeout_ms=int(timeout * 1000)`.

    Anchor: the argument, its call, or the function that holds it. No parameters.
    """

    name = "convert-unit"
    summary = "Hand on seconds as milliseconds."
    fix_safety = (
        "What took its value for seconds now waits a thousand times as long, as the name says. Names are all that is "
        "known of the units: look at where the value is set, as some harness may hold milliseconds under such a name."
    )
    examples = (
        EditExample(_ASK, _ASK.replace("int(self.timeout)", "int(self.timeout * 1000)"), qualname="Agent.ask", line=4),
        EditExample(_WAIT, _WAIT.replace("=delay)", "=delay * 1000)"), qualname="wait", line=2),
        EditExample(_WAIT.replace("=delay)", "=delay * 1000)"), "", qualname="wait", line=2),
        EditExample(_WAIT.replace("delay", "delay_ms"), "", qualname="wait", line=2),
        EditExample(_ASK.replace("timeout_ms", "timeout"), "", qualname="Agent.ask", line=4),
    )
    guards = (
        GuardExample(
            "def wait(delay):\n    return dict(timeout_ms=int(delay))\n",
            passes=("wait(0) == {'timeout_ms': 0}",),
            stops=("wait(60) == {'timeout_ms': 60000}", "wait(0.25) == {'timeout_ms': 250}"),
            qualname="wait",
            line=2,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Convert every such argument at the anchor."""
        changes: dict[cst.CSTNode, Change] = {}
        for given in file.find(anchor, cst.Arg, lambda one: one.keyword is not None):
            value = _bare(given.value)
            name = "" if value is None else file.code(value).rsplit(".", 1)[-1]
            takes = given.keyword.value if given.keyword is not None else ""
            if value is not None and _MILLI.search(takes) and _SECONDS.search(name) and not _MILLI.search(name):
                made = file.expression(f"{file.code(value)} * 1000")
                changes[value] = keeping_parentheses(made)
        if not changes:
            raise Refusal(f"{anchor.place} gives no seconds, as they stand, for an argument in milliseconds")
        return file.rewrite(changes)


def _bare(node: cst.BaseExpression) -> cst.Name | cst.Attribute | None:
    """The name that is handed on as it stands, through `int(…)` and the like."""
    while isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value in _ROUNDS:
        if len(node.args) != 1 or node.args[0].star:
            return None
        node = node.args[0].value
    return node if isinstance(node, (cst.Name, cst.Attribute)) else None

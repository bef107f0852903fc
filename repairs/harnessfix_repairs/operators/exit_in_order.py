"""exit-in-order: the process ends through its `finally` clauses and exit handlers, not past them."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.blocks import in_try, own_line
from harnessfix_repairs.editing.narrow import narrowed
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile

from .base import EditExample, Refusal

_HARD = ("os._exit", "os.abort")
_ANOTHER = ("os.fork", "os.forkpty", "pty.fork")

_AGENT = """\
import os


def finish(reply):
    print(reply, flush=True)
    os._exit(3)  # leaves no thread behind
"""


class ExitInOrder(PythonOperator):
    """`os._exit(code)` becomes `raise SystemExit(code)`.

    Refused in a function that forks, where the child has to leave so, and in a `try` that would catch it.

    Anchor: the call, or the function that holds it.

    Parameters:
        line: line of the call, when the function holds several.
    """

    name = "exit-in-order"
    summary = "End the process in order, so that traces and files are flushed."
    fix_safety = (
        "`finally` clauses, exit handlers and exporters now run, which is the purpose; each can take time or fail. "
        "Threads that are no daemons keep the process alive until they end, and a `SystemExit` that is raised in a "
        "thread ends that thread only."
    )
    examples = (
        EditExample(_AGENT, _AGENT.replace("os._exit(3)", "raise SystemExit(3)"), qualname="finish", line=6),
        EditExample(
            _AGENT.replace("    print(reply", "    pid = os.fork()\n    print(reply"), "", qualname="finish", line=7
        ),
        EditExample(
            _AGENT.replace("    print(reply, flush=True)\n    os._exit(3)", "    try:\n        os._exit(3)")
            + "    except BaseException:\n        return\n",
            "",
            qualname="finish",
            line=6,
        ),
        EditExample(_AGENT.replace("os._exit(3)", "code = os._exit(3)"), "", qualname="finish", line=6),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Replace every hard exit at the anchor."""
        calls = narrowed(file, file.find(anchor, cst.Call, lambda call: file.dotted(call.func) in _HARD), spec)
        if not calls:
            raise Refusal(f"{anchor.place} ends the process in no way that is understood")
        changes: dict[cst.CSTNode, Change] = {}
        for call in calls:
            expression = next(file.parents(call))
            own_line(file, call)
            function = file.function(call)
            scope = function or file.module
            place = f"{file.path}:{file.line(call)}"
            if not isinstance(expression, cst.Expr):
                raise Refusal(f"{place} does something with what never returns")
            if any(file.dotted(other.func) in _ANOTHER for other in file.within(scope, cst.Call)):
                raise Refusal(f"{place}: the function forks, and a child that is a copy has to leave at once")
            if in_try(file, call, "SystemExit"):
                raise Refusal(f"{place} stands in a try that catches SystemExit")
            code = file.code(call.args[0].value) if call.args else "1"
            changes[expression] = _raised(file, f"SystemExit({code})")
        return file.rewrite(changes)


def _raised(file: PythonFile, source: str) -> Change:
    return lambda node: cst.Raise(file.expression(source), semicolon=node.semicolon)

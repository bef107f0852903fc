"""leave-finally: a `finally` clause does what must be done, and lets what is being raised go on."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import PythonFile

from .base import EditExample, Refusal

_STEP = """\
def run(tool, recorder):
    output = ""
    try:
        output = tool()
    finally:
        recorder.end(output)
        # what there is
        return output
"""


class LeaveFinally(PythonOperator):
    """Moves a `return`, `break` or `continue` at the end of a `finally` clause behind the statement.

    Anchor: the jump, or the `try` around it, or the function. No parameters.
    """

    name = "leave-finally"
    summary = "Let an exception leave a finally clause."
    fix_safety = (
        "Exceptions that ended in the clause, cancellations and Ctrl-C among them, now reach the caller: look "
        "whether one of them was to be kept in, and catch that one by name."
    )
    examples = (
        EditExample(
            _STEP,
            _STEP.replace("        # what there is\n        return", "    # what there is\n    return"),
            qualname="run",
            line=8,
        ),
        EditExample(
            _STEP.replace("        recorder.end(output)\n        # what there is\n", ""),
            "",
            qualname="run",
            line=6,
        ),
        EditExample(
            _STEP.replace("        return output", "        if output:\n            return output"),
            "",
            qualname="run",
            line=9,
        ),
        EditExample(_STEP.replace("        return output", "        log()"), "", qualname="run", line=8),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Move the jump at the anchor."""
        for node in file.find(anchor, (cst.Return, cst.Break, cst.Continue)):
            clause = next((above for above in file.parents(node) if isinstance(above, cst.Finally)), None)
            if clause is None:
                continue
            line = file.statement(node)
            body = list(clause.body.body)
            if line is not body[-1] or len(body) < 2:
                raise Refusal(f"{file.path}:{file.line(node)} jumps from the middle of the clause, or is all of it")
            whole = next(file.parents(clause))

            def change(old: cst.Try) -> cst.FlattenSentinel[cst.BaseStatement]:
                assert old.finalbody is not None
                *kept, last = old.finalbody.body.body
                inner = old.finalbody.body.with_changes(body=kept)
                rest = old.with_changes(finalbody=old.finalbody.with_changes(body=inner))
                assert isinstance(last, cst.SimpleStatementLine)
                return cst.FlattenSentinel([rest, last])

            return file.rewrite({whole: change})
        raise Refusal(f"{anchor.place} jumps out of no finally clause")

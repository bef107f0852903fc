"""save-incrementally: a run that ends badly leaves its record too."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.finally_block import in_finally
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import PythonFile

from .base import EditExample, Refusal

_SAVES = re.compile(r"_?(save|dump|write|export|persist|store|flush)(_\w+)?")

_RUN = """\
class Agent:
    def run(self, task):
        messages = [task]
        # turn by turn
        while len(messages) < 9:
            messages.append(self.model.query(messages))
        self.save_history(messages)  # for the curious
        return messages[-1]
"""


class SaveIncrementally(PythonOperator):
    """Moves the call that saves a record into a `finally` around the loop before it.

    Anchor: the call, or the function that holds it.

    Parameters:
        call: source of what is called (`self.save_history`), when the function saves several things; without it the
            first call after a loop that is named like saving.
    """

    name = "save-incrementally"
    summary = "Save the record of a run that fails, too."
    fix_safety = (
        "The record is now also written when the loop is left by an exception or a return, so what reads such "
        "records meets unfinished ones. A save that fails itself hides the error that led there, which Python then "
        "shows as its context only. A process that is killed still leaves nothing."
    )
    examples = (
        EditExample(
            _RUN,
            _RUN.replace(
                "        # turn by turn\n        while len(messages) < 9:\n            messages.append",
                "        try:\n            # turn by turn\n            while len(messages) < 9:\n"
                "                messages.append",
            ).replace("        self.save", "        finally:\n            self.save"),
            qualname="Agent.run",
            line=7,
        ),
        # What it saves is known only when the loop has run.
        EditExample(
            _RUN.replace("save_history(messages)", "save_history(reply)").replace(
                "messages.append(self.model.query(messages))", "reply = self.model.query(messages)"
            ),
            "",
            qualname="Agent.run",
            line=7,
        ),
        EditExample(_RUN.replace("        self.save", "        path = self.save"), "", qualname="Agent.run", line=7),
        EditExample("def end(log):\n    log.save()\n", "", qualname="end", line=2),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Put the save at the anchor in a `finally`."""
        wanted = parameters.text(spec, "call")

        def saves(call: cst.Call) -> bool:
            name = file.code(call.func)
            return name == wanted or bool(_SAVES.fullmatch(name.rpartition(".")[2]))

        scope = file.definition(anchor.qualname, anchor.start_line)
        for call in [*file.find(anchor, cst.Call, saves), *filter(saves, file.within(scope, cst.Call))]:
            line = file.statement(call)
            if not isinstance(line, cst.SimpleStatementLine) or not isinstance(line.body[0], cst.Expr):
                continue
            opening = _before_the_loop(file, line)
            done = None if opening is None else in_finally(file, line, lambda code, opening=opening: code == opening)  # type: ignore[misc]
            if done is not None:
                return file.rewrite(done)
        raise Refusal(f"{anchor.place} holds no call that saves after a loop, in the block of the loop")


def _before_the_loop(file: PythonFile, line: cst.SimpleStatementLine) -> str | None:
    """Source of the statement before the last loop before a line, in its block; None without one."""
    block = next(file.parents(line))
    body: list[cst.CSTNode] = list(block.body) if isinstance(block, cst.IndentedBlock) else []
    earlier = body[: body.index(line)] if line in body else []
    loops = [n for n, node in enumerate(earlier) if isinstance(node, (cst.For, cst.While))]
    return file.code(earlier[loops[-1] - 1]).strip() if loops and loops[-1] else None

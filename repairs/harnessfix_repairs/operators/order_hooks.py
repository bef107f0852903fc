"""order-hooks: the hook that ends something runs after it, and always."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.finally_block import in_finally
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import PythonFile

from .base import EditExample, Refusal

_END = re.compile(r"^_?(on_)?(\w+_)?(end|ended|finish|finished|exit|after|stop|stopped|complete|completed|teardown)$")
_START = re.compile(r"^_?(on_)?(\w+_)?(start|started|begin|enter|before|setup)$")

_HOOKS = """\
def run(hooks, step):
    hooks.on_start()
    result = step()  # may fail
    hooks.on_end(result=None)
    return result
"""


class OrderHooks(PythonOperator):
    """Moves the call of an end hook into a `finally` around everything since its start hook.

    Anchor: the call of the end hook, or the function that holds both.

    Parameters:
        hook: name of the end hook (`on_end`); by default the first call in the function whose name says end, finish,
            exit or after, with a start, begin, enter or before ahead of it in the same block.
    """

    name = "order-hooks"
    summary = "Run the end hook on every path."
    fix_safety = (
        "The hook now also runs when the work fails, with the same arguments: look whether it expects a result that "
        "is not there then. A hook whose arguments are made by the work itself is refused."
    )
    examples = (
        EditExample(
            _HOOKS,
            _HOOKS.replace(
                "    result = step()  # may fail\n    hooks",
                "    try:\n        result = step()  # may fail\n    finally:\n        hooks",
            ),
            qualname="run",
            line=4,
        ),
        EditExample(_HOOKS.replace("result=None", "result"), "", qualname="run", line=4),
        EditExample(_HOOKS.replace("    hooks.on_start()\n", ""), "", qualname="run", line=3),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Put the end hook of the function at the anchor in a `finally`."""
        wanted = parameters.text(spec, "hook").rsplit(".", 1)[-1]
        scope = file.definition(anchor.qualname, anchor.start_line)
        for call in file.within(scope, cst.Call):
            name = file.code(call.func).rsplit(".", 1)[-1]
            line = file.statement(call)
            if not (name == wanted if wanted else _END.match(name)) or not isinstance(line, cst.SimpleStatementLine):
                continue
            if isinstance(line.body[0], cst.Expr):
                done = in_finally(file, line, _starts)
                if done is not None:
                    return file.rewrite(done)
        raise Refusal(f"{anchor.place} calls no end hook behind its start hook in one block")


def _starts(code: str) -> bool:
    match = re.match(r"(?:await )?([\w.]+)\(", code)
    return match is not None and _START.match(match.group(1).rsplit(".", 1)[-1]) is not None

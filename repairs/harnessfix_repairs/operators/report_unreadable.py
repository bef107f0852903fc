"""report-unreadable: what cannot be read is answered with why, not replaced by an empty object."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import instead, own_line
from harnessfix_repairs.editing.handlers import caught_name
from harnessfix_repairs.editing.observations import report_or_observe
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile

from .base import EditExample, Refusal

_PROVIDER = """\
import json


def run_tool(tools, name, text):
    try:
        arguments = json.loads(text)
    except json.JSONDecodeError:
        arguments = {}  # the model wrote nonsense
    return tools[name](**arguments)
"""


class ReportUnreadable(PythonOperator):
    """An `except` clause that puts `{}` in place of what could not be read answers with the error instead.

    The answer is made as the code around makes its own: a message of the same loop, an error value, an exception, or
    the observation of this turn. A function that shows no way is refused.

    Anchor: the assignment or `return` of the empty object, or the function that holds it.

    Parameters:
        raises: dotted name of an exception of the harness to raise, instead of looking for a way.
    """

    name = "report-unreadable"
    summary = "Answer what cannot be read with why, instead of going on with an empty object."
    fix_safety = (
        "A tool that used to run with its defaults is no longer run when its arguments are malformed, and the model "
        "sees a message of a new wording. Where an empty text is sent for a tool without arguments, look whether "
        "the code takes it for an empty object before it parses it."
    )
    examples = (
        EditExample(
            _PROVIDER,
            _PROVIDER.replace("JSONDecodeError:", "JSONDecodeError as error:").replace(
                "        arguments = {}  #", '        return f"what was sent could not be read: {error}"  #'
            ),
            qualname="run_tool",
            line=8,
        ),
        EditExample(_PROVIDER.replace("arguments = {}", "arguments = None"), "", qualname="run_tool", line=8),
        EditExample(
            _PROVIDER.replace("    return tools[name](**arguments)", "    return Call(name, arguments)"),
            "",
            qualname="run_tool",
            line=8,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Replace the empty object at the anchor."""
        changes: dict[cst.CSTNode, Change] = {}
        smalls: list[cst.Assign | cst.Return] = [*file.find(anchor, cst.Assign), *file.find(anchor, cst.Return)]
        for small in smalls:
            value = small.value
            if value is None or file.code(value) not in ("{}", "dict()"):
                continue
            handler = next((a for a in file.parents(small) if isinstance(a, cst.ExceptHandler)), None)
            if handler is None:
                continue
            line = own_line(file, small)
            name, naming = caught_name(file, handler)
            words = f'f"what was sent could not be read: {{{name}}}"'
            raises = parameters.dotted_source(spec, "raises")
            said = report_or_observe(file, handler, words, raises=raises, cause=name)
            changes |= {line: instead(file.statements(said)), **naming}
        if not changes:
            raise Refusal(f"{anchor.place} puts no empty object in place of what it could not read")
        return file.rewrite(changes)

"""copy-inside: a copy that is changed has containers of its own."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import after, own_line
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import PythonFile

from .base import EditExample, Refusal

_STATE = """\
from copy import copy


class State:
    def next(self, note):
        following = copy(self)  # the old one stays as it was
        following.notes.append(note)
        return following
"""


class CopyInside(PythonOperator):
    """Copies, behind a shallow copy, the containers of it that are changed in place.

    Anchor: the line of the copy, or the function that holds it.

    Parameters:
        changes: names of the attributes that are changed.
    """

    name = "copy-inside"
    summary = "Give a copy containers of its own."
    fix_safety = (
        "The original no longer sees what is added to the copy: look whether some code relied on that. An attribute "
        "that may be None stays None."
    )
    examples = (
        EditExample(
            _STATE,
            _STATE.replace(
                "        following.notes.append",
                "        following.notes = copy(self.notes)\n        following.notes.append",
            ),
            qualname="State.next",
            line=6,
            parameters={"changes": ["notes"]},
        ),
        EditExample(
            _STATE.replace("from copy import copy", "import copy").replace("copy(self)", "copy.copy(self)"),
            _STATE.replace("from copy import copy", "import copy")
            .replace("copy(self)", "copy.copy(self)")
            .replace(
                "        following.notes.append",
                "        following.notes = copy.copy(self.notes)\n        following.notes.append",
            ),
            qualname="State.next",
            line=6,
            parameters={"changes": ["following.notes"]},
        ),
        EditExample(_STATE, "", qualname="State.next", line=6),
        EditExample(
            _STATE.replace("following = copy(self)", "following = State()"),
            "",
            qualname="State.next",
            line=6,
            parameters={"changes": ["notes"]},
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Copy the containers behind the copy at the anchor."""
        names = list(dict.fromkeys(one.rsplit(".", 1)[-1] for one in parameters.texts(spec, "changes")))
        if not names or not all(name.isidentifier() for name in names):
            raise Refusal(f"{anchor.place}: it is not known what of the copy is changed")
        for node in file.find(anchor, cst.Assign):
            call, target = node.value, node.targets[0].target
            if not isinstance(call, cst.Call) or file.dotted(call.func) != "copy.copy" or len(call.args) != 1:
                continue
            if not isinstance(target, cst.Name) or len(node.targets) != 1:
                continue
            made, old, how = target.value, file.code(call.args[0].value), file.code(call.func)
            scope = file.code(file.function(node) or file.module)
            lines = [f"{made}.{name} = {how}({old}.{name})\n" for name in names]
            new = [line for line in lines if line.strip() not in scope]
            if not new:
                return file.text
            return file.rewrite({own_line(file, node): after(file.statements("".join(new)))})
        raise Refusal(f"{anchor.place} makes no shallow copy that gets a name")

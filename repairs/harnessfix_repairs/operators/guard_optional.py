"""guard-optional: going through a field that is None goes through nothing."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.replacing import becomes

from .base import EditExample, GuardExample, Refusal

_OPTIONAL = re.compile(r"(^|\W)Optional\[|\|\s*None$|^None\s*\|")

_STEP = """\
from dataclasses import dataclass


@dataclass
class Step:
    calls: list[str] | None = None

    def names(self):
        return [call.upper() for call in self.calls]  # in their order

    def show(self, out):
        for call in self.calls:
            out.write(call)
"""


class GuardOptional(PythonOperator):
    """Goes through nothing where a field that may be None is gone through: `for call in self.calls or ():`.

    The class around must declare the field as possibly None, with None as its default.

    Anchor: the use, or the method that holds it. No parameters.
    """

    name = "guard-optional"
    summary = "Go through nothing where a field is None."
    fix_safety = (
        "What raised TypeError for None now does what it does for an empty list: look whether code behind it takes "
        "'none' for 'all were well'. Nothing else changes."
    )
    examples = (
        EditExample(_STEP, _STEP.replace("in self.calls]", "in self.calls or ()]"), qualname="Step.names", line=9),
        EditExample(_STEP, _STEP.replace("in self.calls:", "in self.calls or ():"), qualname="Step.show", line=12),
        EditExample(_STEP.replace("list[str] | None = None", "list[str]"), "", qualname="Step.show", line=12),
        EditExample(
            _STEP.replace("for call in self.calls:", "if call := self.calls[0]:"), "", qualname="Step.show", line=12
        ),
        EditExample(
            _STEP.replace("in self.calls]", "in self.calls] if self.calls else []"), "", qualname="Step.names", line=9
        ),
        EditExample(_STEP.replace("for call in self", "async for call in self"), "", qualname="Step.names", line=9),
    )
    guards = (
        GuardExample(
            _STEP,
            passes=("Step(['a', 'b']).names() == ['A', 'B']", "Step([]).names() == []"),
            stops=("Step().names() == []",),
            qualname="Step.names",
            line=9,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Guard every such use at the anchor."""
        changes: dict[cst.CSTNode, Change] = {}
        for node in file.find(anchor, cst.Attribute, lambda one: file.code(one.value) == "self"):
            above = next(file.parents(node))
            if not isinstance(above, (cst.For, cst.CompFor)) or above.iter is not node:
                continue
            if above.asynchronous or _is_asked_for(file, node):
                continue
            if node.attr.value in _optional(file, node):
                made = file.expression(f"{file.code(node)} or ()")
                changes[node] = becomes(made)
        if not changes:
            raise Refusal(f"{anchor.place} goes through no field that its class declares as possibly None")
        return file.rewrite(changes)


def _is_asked_for(file: PythonFile, node: cst.Attribute) -> bool:
    """Whether a test around the use, in its own function, looks at the field."""
    for above in file.parents(node):
        if isinstance(above, cst.FunctionDef):
            break
        test = above.test if isinstance(above, (cst.If, cst.IfExp, cst.While)) else None
        if test is not None and any(file.code(one) == file.code(node) for one in file.within(test, cst.Attribute)):
            return True
    return False


def _optional(file: PythonFile, node: cst.CSTNode) -> set[str]:
    """Fields that the class around declares as possibly None, with None as the default."""
    owner = file.klass(node)
    return {
        field.target.value
        for field in (file.within(owner, cst.AnnAssign) if owner is not None else ())
        if isinstance(field.target, cst.Name)
        and field.value is not None
        and file.code(field.value) == "None"
        and _OPTIONAL.search(file.code(field.annotation.annotation).strip("\"'"))
    }

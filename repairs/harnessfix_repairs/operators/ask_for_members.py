"""ask-for-members: what holds a 0 or an empty text does hold something."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.replacing import keeping_parentheses
from harnessfix_repairs.editing.scope import is_rebound

from .base import EditExample, GuardExample, Refusal

_CALL = """\
class ToolCall:
    def has_arguments(self):
        # an empty call is waited for
        return any(self.arguments.values())
"""
_EACH = "def has_values(fields):\n    return fields is not None and any(value for value in fields.values())\n"


class AskForMembers(PythonOperator):
    """Asks whether a mapping has members and not whether they are true: `any(found.values())` becomes `bool(found)`.

    Anchor: the call of `any`, or the function that holds it. No parameters.
    """

    name = "ask-for-members"
    summary = "Tell whether something is there by whether it has members."
    fix_safety = (
        "A mapping whose values are all 0, False, None or empty now counts as given. Where None was put there to stand "
        "for 'not given', compare each value with None instead."
    )
    examples = (
        EditExample(
            _CALL,
            _CALL.replace("any(self.arguments.values())", "bool(self.arguments)"),
            qualname="ToolCall.has_arguments",
            line=4,
        ),
        EditExample(
            _EACH,
            _EACH.replace("any(value for value in fields.values())", "bool(fields)"),
            qualname="has_values",
            line=2,
        ),
        EditExample(_CALL.replace("any(", "all("), "", qualname="ToolCall.has_arguments", line=4),
        EditExample(_EACH.replace("(value for", "(value > 1 for"), "", qualname="has_values", line=2),
        EditExample(
            _EACH.replace("fields.values())", "fields.values() if value != 2)"), "", qualname="has_values", line=2
        ),
        EditExample(
            _CALL.replace("arguments.values()", "arguments.all()"), "", qualname="ToolCall.has_arguments", line=4
        ),
    )
    guards = (
        GuardExample(
            _EACH,
            passes=("has_values({'level': 0})", "has_values({'on': False, 'text': ''})", "has_values({'a': 1})"),
            stops=("not has_values({})", "not has_values(None)"),
            qualname="has_values",
            line=2,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Rewrite every such call at the anchor."""
        changes: dict[cst.CSTNode, Change] = {}
        for call in file.find(anchor, cst.Call, lambda one: file.code(one.func) == "any" and len(one.args) == 1):
            asked = call.args[0]
            what = _mapping(file, asked.value)
            if what and asked.keyword is None and not asked.star and "#" not in file.code(call):
                made = file.expression(f"bool({what})")
                changes[call] = keeping_parentheses(made)
        if not changes:
            raise Refusal(f"{anchor.place} asks of no mapping whether any of its values is true")
        if is_rebound(file, "any") or is_rebound(file, "bool"):
            raise Refusal(f"{file.path} gives `any` or `bool` a meaning of its own")
        return file.rewrite(changes)


def _mapping(file: PythonFile, asked: cst.BaseExpression) -> str:
    """Source of the mapping whose values are asked about; empty when it is something else."""
    if isinstance(asked, cst.GeneratorExp):
        turn = asked.for_in
        same = isinstance(asked.elt, cst.Name) and isinstance(turn.target, cst.Name)
        if (
            not same
            or file.code(asked.elt) != file.code(turn.target)
            or turn.ifs
            or turn.inner_for_in
            or turn.asynchronous
        ):
            return ""
        asked = turn.iter
    if not isinstance(asked, cst.Call) or asked.args or not isinstance(asked.func, cst.Attribute):
        return ""
    what = asked.func.value
    named = asked.func.attr.value == "values" and isinstance(what, (cst.Name, cst.Attribute))
    return file.code(what) if named else ""

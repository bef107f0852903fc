"""fix-limit: a limit that holds, zero included."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_ir.vocabulary import Safety
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile

from .base import EditExample, Refusal

_DEFAULT = """\
class Agent:
    def __init__(self, model, step_limit=None, config=DEFAULTS):
        self.model = model
        self.step_limit = step_limit or config.step_limit  # 0: no steps at all
"""
_GUARD = """\
def allowed(limit, used):
    if limit and used >= limit:
        return False
    return True
"""
_CALL = """\
def build(settings):
    limit = settings.get("limit") or 8
    return limit
"""


class FixLimit(PythonOperator):
    """Tests a limit for `None` where its truth was tested.

    Anchor: the `or`, the comparison, or the function that holds one of them.

    Parameters:
        form: `falsy-zero` (the default); other forms of the flaw are refused, since where a counter has to move cannot
            be read off the source.
    """

    name = "fix-limit"
    summary = "Tell an explicit zero from a limit that is not set."
    safety = Safety.UNSAFE
    fix_safety = (
        "`x or default` and `default if x is None else x` differ for every false value: 0, but also an empty text or "
        "False. Look at what callers pass: one that passes 0 to mean “the default” will now get 0."
    )
    examples = (
        EditExample(
            _DEFAULT,
            _DEFAULT.replace(
                "step_limit or config.step_limit", "config.step_limit if step_limit is None else step_limit"
            ),
            qualname="Agent.__init__",
            line=4,
        ),
        EditExample(_GUARD, _GUARD.replace("if limit and", "if limit is not None and"), qualname="allowed", line=2),
        EditExample(_CALL, "", qualname="build", line=2),
        EditExample(_DEFAULT, "", qualname="Agent.__init__", line=4, parameters={"form": "skipped-on"}),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Replace each test of truth at the anchor."""
        form = parameters.text(spec, "form", "falsy-zero")
        if form != "falsy-zero":
            raise Refusal(f"{anchor.place}: where the counter has to move cannot be read off the source")
        found = file.find(anchor, cst.BooleanOperation, lambda node: _replacement(file, node) is not None)
        if not found:
            if file.find(anchor, cst.IfExp, lambda node: _tests_none(node)):
                return file.text
            raise Refusal(f"{anchor.place} holds no `limit or default` whose left side is a plain name")
        return file.rewrite({node: change for node in found if (change := _replacement(file, node)) is not None})


def _tests_none(node: cst.IfExp) -> bool:
    test = node.test
    return (
        isinstance(test, cst.Comparison)
        and isinstance(test.comparisons[0].operator, cst.Is)
        and isinstance(test.comparisons[0].comparator, cst.Name)
        and test.comparisons[0].comparator.value == "None"
    )


def _replacement(file: PythonFile, node: cst.BooleanOperation) -> Change | None:
    """How one `or` or `and` is replaced; None when it is not of a form that may be."""
    plain = isinstance(node.left, (cst.Name, cst.Attribute)) and not node.left.lpar
    if not plain:
        return None
    name = file.code(node.left)
    if isinstance(node.operator, cst.Or) and _is_default(node.right):
        default = file.code(node.right)
        return lambda at: _kept_parentheses(at, file.expression(f"{default} if {name} is None else {name}"))
    compares = isinstance(node.right, cst.Comparison) and name in (
        file.code(node.right.left),
        *(file.code(part.comparator) for part in node.right.comparisons),
    )
    if isinstance(node.operator, cst.And) and compares:
        return lambda at: at.with_changes(left=file.expression(f"{name} is not None"))
    return None


def _is_default(node: cst.BaseExpression) -> bool:
    return isinstance(node, (cst.Name, cst.Attribute, cst.Integer, cst.Float, cst.Subscript))


def _kept_parentheses(old: cst.BooleanOperation, new: cst.BaseExpression) -> cst.BaseExpression:
    return new.with_changes(lpar=old.lpar, rpar=old.rpar)

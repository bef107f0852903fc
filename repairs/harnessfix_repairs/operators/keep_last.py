"""keep-last: the last n of a sequence are none when n is 0."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.replacing import becomes
from harnessfix_repairs.editing.scope import is_rebound

from .base import EditExample, GuardExample, Refusal

_RECENT = """\
class Memory:
    def recent(self):
        # the window, newest last
        return self.messages[-self.window :]
"""
_TAIL = "def tail(items, count):\n    return items[-count:]\n"
_NO_LENGTH = ("iloc", "loc")  # pandas indexers, which have none


class KeepLast(PythonOperator):
    """Starts at the end where the number is 0: `items[-n:]` becomes `items[-n or len(items):]`.

    Text stays text and a tuple a tuple; nothing else changes for any number that is not 0.

    Anchor: the subscript, or the function that holds it.

    Parameters:
        count: source of the number, when the anchor holds several.
    """

    name = "keep-last"
    summary = "Take nothing, not everything, when the last 0 are asked for."
    fix_safety = (
        "Only 0 means something else than before. Where it was set to say 'no limit', the context is now empty: look "
        "at what the settings and their documentation say of 0."
    )
    examples = (
        EditExample(
            _RECENT,
            _RECENT.replace("-self.window :", "-self.window or len(self.messages) :"),
            qualname="Memory.recent",
            line=4,
        ),
        EditExample(
            _TAIL,
            _TAIL.replace("-count:", "-count or len(items):"),
            qualname="tail",
            line=2,
            parameters={"count": "count"},
        ),
        EditExample(_TAIL.replace("items[", "load(items)["), "", qualname="tail", line=2),
        EditExample(_TAIL.replace("-count:", "-3:"), "", qualname="tail", line=2),
        EditExample(_TAIL.replace("-count:", "-count:-1"), "", qualname="tail", line=2),
        EditExample(_TAIL.replace("items[", "items.iloc["), "", qualname="tail", line=2),
    )
    guards = (
        GuardExample(
            _TAIL,
            passes=(
                "tail([1, 2, 3], 2) == [2, 3]",
                "tail([1, 2, 3], 9) == [1, 2, 3]",
                "tail('abc', 1) == 'c'",
                "tail((1, 2), True) == (2,)",
                "tail([1, 2, 3], -1) == [2, 3]",
            ),
            stops=("tail([1, 2], 0) == []", "tail('ab', 0) == ''", "tail((1, 2), 0) == ()", "tail([], 0) == []"),
            qualname="tail",
            line=2,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Mend every such slice at the anchor."""
        wanted = parameters.text(spec, "count")
        changes: dict[cst.CSTNode, Change] = {}
        for node in file.find(anchor, cst.Subscript, lambda one: _count(one) is not None):
            part, count = node.slice[0].slice, _count(node)
            assert isinstance(part, cst.Slice)
            assert count is not None
            if (wanted and file.code(count.expression) != wanted) or not _is_plain(node.value):
                continue
            made = file.expression(f"{file.code(count)} or len({file.code(node.value)})")
            changes[count] = becomes(made)
        if not changes:
            raise Refusal(f"{anchor.place} takes the last of nothing that has a name, by a number that has one")
        if is_rebound(file, "len"):
            raise Refusal(f"{file.path} gives `len` a meaning of its own")
        return file.rewrite(changes)


def _count(node: cst.Subscript) -> cst.UnaryOperation | None:
    """`-n` of `[-n:]`."""
    part = node.slice[0].slice
    if len(node.slice) != 1 or not isinstance(part, cst.Slice) or part.upper is not None or part.step is not None:
        return None
    lower = part.lower
    if not isinstance(lower, cst.UnaryOperation) or not isinstance(lower.operator, cst.Minus):
        return None
    return lower if isinstance(lower.expression, (cst.Name, cst.Attribute)) else None


def _is_plain(node: cst.BaseExpression) -> bool:
    """Whether an expression can be written twice: a name, or an attribute of one."""
    while isinstance(node, cst.Attribute) and not node.lpar and node.attr.value not in _NO_LENGTH:
        node = node.value
    return isinstance(node, cst.Name) and not node.lpar

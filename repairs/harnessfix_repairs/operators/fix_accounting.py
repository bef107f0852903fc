"""fix-accounting: each reply is counted where it arrives."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.blocks import after
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.scope import names_in

from .base import EditExample, Refusal

_COUNTS = re.compile(r"(?i)token|usage|cost")

_RUN = """\
def run(model, messages):
    tokens = 0
    for _ in range(4):
        reply = model.query(messages)
        if reply.unclear:
            messages.append("Go on.")
            continue
        tokens += reply.usage.total  # what it took
        messages.append(reply)
    return tokens
"""


class FixAccounting(PythonOperator):
    """Moves the line that adds up usage, in a loop, right behind the assignment of the reply that it counts.

    Only where something between the two can leave the turn (`continue`, `break`, `return`), and where nothing between
    them reads or changes the sum or what is added.

    Anchor: the line that adds, the loop, or the function that holds them. No parameters.
    """

    name = "fix-accounting"
    summary = "Count each reply where it arrives."
    fix_safety = (
        "Replies on paths that left before the count are counted now, so totals grow, and a limit on them is reached "
        "earlier. On all other paths the sum is what it was."
    )
    examples = (
        EditExample(
            _RUN,
            """\
def run(model, messages):
    tokens = 0
    for _ in range(4):
        reply = model.query(messages)
        tokens += reply.usage.total  # what it took
        if reply.unclear:
            messages.append("Go on.")
            continue
        messages.append(reply)
    return tokens
""",
            qualname="run",
            line=8,
        ),
        # Two sums are kept.
        EditExample(
            """\
def run(model, log):
    for reply in model:
        asked = reply.last
        if asked.empty:
            continue
        log.tokens += asked.tokens
        log.cost += asked.cost
""",
            """\
def run(model, log):
    for reply in model:
        asked = reply.last
        log.tokens += asked.tokens
        log.cost += asked.cost
        if asked.empty:
            continue
""",
            qualname="run",
            line=1,
            end_line=7,
        ),
        # The sum is looked at in between.
        EditExample(
            _RUN.replace("if reply.unclear", "if reply.unclear or tokens > 9"), "", qualname="run", line=3, end_line=9
        ),
        # The reply is another one by then.
        EditExample(
            _RUN.replace("            continue\n", "            continue\n        reply = model.query(messages)\n"),
            "",
            qualname="run",
            line=9,
        ),
        EditExample(_RUN.replace("            continue\n", ""), "", qualname="run", line=7),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Move every such count at the anchor."""
        changes: dict[cst.CSTNode, Change] = {}
        moved: dict[cst.CSTNode, list[cst.CSTNode]] = {}
        for count in file.find(anchor, cst.AugAssign, lambda one: _counts(file, one)):
            line = file.statement(count)
            arrival = _arrival(file, count, line)
            if arrival is None:
                continue
            comments = [one for one in line.leading_lines if one.comment is not None]
            moved.setdefault(arrival, []).append(line.with_changes(leading_lines=comments))
            changes[line] = lambda _: cst.RemoveFromParent()
        if not changes:
            raise Refusal(f"{anchor.place} counts no reply that a turn can leave without")
        return file.rewrite(changes | {arrival: after(lines) for arrival, lines in moved.items()})


def _counts(file: PythonFile, node: cst.AugAssign) -> bool:
    return isinstance(node.operator, cst.AddAssign) and bool(_COUNTS.search(file.code(node)))


def _arrival(file: PythonFile, count: cst.AugAssign, line: cst.CSTNode) -> cst.CSTNode | None:
    """The assignment that the count may follow; None when it does already, or may not."""
    block = next(file.parents(line))
    loop = next(file.parents(block))
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
        return None
    if not isinstance(block, cst.IndentedBlock) or not isinstance(loop, (cst.For, cst.While)):
        return None
    body: list[cst.CSTNode] = list(block.body)
    needed, total = names_in(file, count.value), names_in(file, count.target)
    between: list[cst.CSTNode] = []
    for node in reversed(body[: body.index(line)]):
        if _binds(file, node) & needed:
            return node if _leaves(file, between) and isinstance(node, cst.SimpleStatementLine) else None
        source = file.code(node)
        if re.search(rf"(?<![\w.]){re.escape(file.code(count.target))}\b", source) or total & _binds(
            file, node, whole=True
        ):
            return None
        between.append(node)
    return None


def _binds(file: PythonFile, node: cst.CSTNode, *, whole: bool = False) -> set[str]:
    """Names that a statement, or one in it, gives a value, or a field of theirs; with `whole` only the former."""
    targets: list[cst.CSTNode] = [
        *(one.target for one in file.within(node, cst.AssignTarget)),
        *(one.target for one in file.within(node, cst.AnnAssign)),
        *(one.target for one in file.within(node, cst.AugAssign)),
        *(one.target for one in file.within(node, cst.NamedExpr)),
        *(one.target for one in file.within(node, cst.For)),
        *(one.name for one in file.within(node, cst.AsName)),
    ]
    if whole:
        targets = [target for target in targets if not isinstance(target, (cst.Attribute, cst.Subscript))]
    return {name for target in targets for name in names_in(file, target)}


def _leaves(file: PythonFile, statements: list[cst.CSTNode]) -> bool:
    return any(file.within(node, (cst.Continue, cst.Break, cst.Return)) for node in statements)

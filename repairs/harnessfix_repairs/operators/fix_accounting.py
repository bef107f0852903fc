"""fix-accounting: each reply is counted where it arrives."""

import re

import libcst as cst
from libcst import matchers

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import after, own_line
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

_SUM = """\
class Usage:
    def add(self, other):
        self.sent += other.sent or 0
        # what came back
        self.received += other.received or 0
"""
_ITEMS = """\
def add(total, usage):
    total["sent"] += usage.get("sent") or 0
    total["received"] += usage.get("received") or 0
"""
_MANY = """\
def add(total, month, usages):
    month["in"] += sum(each["in"] for each in usages)
    total["out"] += sum(each["out"] for each in usages)
    total['in'] += sum(each['in'] for each in usages)
"""


class FixAccounting(PythonOperator):
    """Moves the line that adds up usage, in a loop, right behind the assignment of the reply that it counts.

    Only where something between the two can leave the turn (`continue`, `break`, `return`), and where nothing between
    them reads or changes the sum or what is added. Given a field that a sum of two records leaves out, it is added as
    the one beside it is.

    Anchor: the line that adds, the loop, or the function that holds them.

    Parameters:
        field: of two records, that is left out of their sum.
        beside: field whose line shows how it is done.
    """

    name = "fix-accounting"
    summary = "Count each reply where it arrives."
    fix_safety = (
        "Replies on paths that left before the count are counted now, so totals grow, and a limit on them is reached "
        "earlier. On all other paths the sum is what it was. A field that is added may be one that was meant to stay: "
        "look at what it counts."
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
        EditExample(
            _SUM,
            _SUM + "        self.cached += other.cached or 0\n",
            qualname="Usage.add",
            line=5,
            parameters={"field": "cached", "beside": "received"},
        ),
        EditExample(
            _ITEMS,
            _ITEMS + '    total["cached"] += usage.get("cached") or 0\n',
            qualname="add",
            line=3,
            parameters={"field": "cached", "beside": "received"},
        ),
        EditExample(
            _MANY,
            _MANY + "    total['cached'] += sum(each['cached'] for each in usages)\n",
            qualname="add",
            line=4,
            parameters={"field": "cached", "beside": "in"},
        ),
        EditExample(
            _SUM.replace("self.received +", "total = self.received +"),
            "",
            qualname="Usage.add",
            line=5,
            parameters={"field": "cached", "beside": "received"},
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Move every such count at the anchor."""
        field = parameters.dotted_source(spec, "field")
        if field:
            return _add_field(file, anchor, field, parameters.dotted_source(spec, "beside"))
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


def _add_field(file: PythonFile, anchor: Anchor, field: str, beside: str) -> str:
    """A sum of one more field, behind the one beside it."""
    scope = file.definition(anchor.qualname, anchor.start_line)
    sums = file.within(scope, cst.AugAssign)
    named = [one for one in sums if _field(one.target) == beside]
    shown = next((one for one in named if file.line(one) == anchor.start_line), named[0] if named else None)
    if not beside or shown is None:
        raise Refusal(f"{anchor.place} shows no line that adds {beside or 'a field'}")
    made = file.code(_renamed(shown, beside, field))
    if any(file.code(one) == made for one in sums):
        return file.text
    return file.rewrite({own_line(file, shown): after(file.statements(f"{made}\n"))})


def _renamed(shown: cst.AugAssign, old: str, new: str) -> cst.CSTNode:
    """The sum of another field, as an attribute or as a key; names that only sound so stay."""

    def other(node: cst.CSTNode, _: object) -> cst.CSTNode:
        if isinstance(node, cst.Attribute) and node.attr.value == old:
            return node.with_changes(attr=cst.Name(new))
        if isinstance(node, cst.SimpleString) and node.evaluated_value == old:
            return node.with_changes(value=f"{node.prefix}{node.quote}{new}{node.quote}")
        return node

    made = matchers.replace(shown, matchers.Attribute() | matchers.SimpleString(), other)
    assert isinstance(made, cst.CSTNode)
    return made


def _field(target: cst.BaseExpression) -> str:
    """The attribute, or the key, that a sum is kept under."""
    if isinstance(target, cst.Attribute):
        return target.attr.value
    item = target.slice[0].slice if isinstance(target, cst.Subscript) and len(target.slice) == 1 else None
    key = item.value.evaluated_value if isinstance(item, cst.Index) and isinstance(item.value, cst.SimpleString) else ""
    return key if isinstance(key, str) else ""


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

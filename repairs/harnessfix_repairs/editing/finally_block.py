"""Moving a statement into a `finally` around those before it."""

from collections.abc import Callable

import libcst as cst

from harnessfix_repairs.operators.base import Refusal

from .python import Change, PythonFile
from .scope import bound_at, names_in


def in_finally(
    file: PythonFile, line: cst.SimpleStatementLine, opens: Callable[[str], bool]
) -> dict[cst.CSTNode, Change] | None:
    """Changes that put a line in the `finally` of a `try` around the statements between it and the one that opens.

    Args:
        file: the file.
        line: the statement to move.
        opens: whether a statement, given its source, is the one after which the `try` begins.

    Returns:
        No changes when the line is in a `finally` already; None when nothing in its block opens, or nothing is between.

    Raises:
        Refusal: when the line uses what is only bound between.
    """
    block = next(file.parents(line))
    if any(isinstance(above, cst.Finally) for above in file.parents(line)):
        return {}
    if not isinstance(block, cst.IndentedBlock):
        return None
    body: list[cst.CSTNode] = list(block.body)
    place = body.index(line)
    start = next((n for n in range(place - 1, -1, -1) if opens(file.code(body[n]).strip())), None)
    while start is not None and start + 1 < place and _cannot_fail(file, body[start + 1]):
        start += 1
    if start is None or start + 1 == place:
        return None
    needed = names_in(file, line) - bound_at(file, body[start + 1])
    if needed:
        raise Refusal(f"{file.path}:{file.line(line)} uses what is not known when something before it fails")
    (made,) = file.statements("try:\n    pass\nfinally:\n    pass\n")

    def change(node: cst.IndentedBlock) -> cst.IndentedBlock:
        kept = list(node.body)
        inner, last = kept[start + 1 : place], kept[place]
        assert made.finalbody is not None
        whole = made.with_changes(
            body=made.body.with_changes(body=inner),
            finalbody=made.finalbody.with_changes(body=made.finalbody.body.with_changes(body=[last])),
        )
        return node.with_changes(body=[*kept[: start + 1], whole, *kept[place + 1 :]])

    return {block: change}


def _cannot_fail(file: PythonFile, node: cst.CSTNode) -> bool:
    """Whether a statement only binds a name to something at hand."""
    if not isinstance(node, cst.SimpleStatementLine) or not all(isinstance(part, cst.Assign) for part in node.body):
        return False
    return not file.within(node, (cst.Call, cst.Subscript, cst.Attribute, cst.BinaryOperation, cst.Await, cst.BaseComp))

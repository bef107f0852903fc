"""Putting statements before, after and around others, comments and blank lines staying where they belong."""

from collections.abc import Sequence
from typing import Any

import libcst as cst

from harnessfix_repairs.operators.base import Refusal

from .python import Change, PythonFile


def own_line(file: PythonFile, node: cst.CSTNode) -> cst.SimpleStatementLine:
    """The statement line that a node belongs to, when it stands alone on it and in a block of its own.

    Raises `Refusal` for a node in the head of a compound statement, in a lambda or comprehension, or on a shared line.
    """
    statement = file.statement(node)
    place = f"{file.path}:{file.line(node)}"
    if not isinstance(statement, cst.SimpleStatementLine):
        raise Refusal(f"{place} stands in the head of a compound statement")
    if len(statement.body) != 1 or not isinstance(next(file.parents(statement)), (cst.IndentedBlock, cst.Module)):
        raise Refusal(f"{place} shares its line with another statement")
    for above in file.parents(node):
        if isinstance(above, (cst.Lambda, cst.BaseComp)):
            raise Refusal(f"{place} stands in a lambda or comprehension")
        if above is statement:
            break
    return statement


def before(statements: Sequence[Any]) -> Change:
    """Statements in front of another, below the blank lines that were there and above its comments."""

    def change(node: Any) -> Any:
        first, *others = statements
        leading = list(node.leading_lines)
        blank = next((n for n, line in enumerate(leading) if line.comment is not None), len(leading))
        first = first.with_changes(leading_lines=leading[:blank])
        return cst.FlattenSentinel([first, *others, node.with_changes(leading_lines=leading[blank:])])

    return change


def after(statements: Sequence[Any]) -> Change:
    """Statements behind another."""
    return lambda node: cst.FlattenSentinel([node, *statements])


def instead(statements: Sequence[Any]) -> Change:
    """Statements in place of another, whose comments they keep."""

    def change(node: Any) -> Any:
        first, *others = statements
        first = first.with_changes(leading_lines=node.leading_lines)
        trailing = getattr(node, "trailing_whitespace", None)
        if trailing is not None and trailing.comment is not None:
            if hasattr(first, "trailing_whitespace"):
                first = first.with_changes(trailing_whitespace=trailing)
            else:
                comment = cst.EmptyLine(comment=trailing.comment, newline=trailing.newline)
                first = first.with_changes(leading_lines=[*first.leading_lines, comment])
        return cst.FlattenSentinel([first, *others])

    return change


def guarded(file: PythonFile, handler: str, *, first: Sequence[Any] = ()) -> Change:
    """A statement in the body of a `try` with these clauses.

    Args:
        file: the file.
        handler: source of the clauses, from `except` on.
        first: statements to put before the `try`.
    """
    (made,) = file.statements(f"try:\n    pass\n{handler}")

    def change(node: Any) -> Any:
        inner = node.with_changes(leading_lines=())
        whole = made.with_changes(body=made.body.with_changes(body=[inner]), leading_lines=node.leading_lines)
        return before(first)(whole) if first else whole

    return change


def indented(source: str, levels: int = 1) -> str:
    """Source shifted to the right by four blanks a level."""
    return "".join(f"{'    ' * levels}{line}" if line.strip() else line for line in source.splitlines(keepends=True))


def in_try(file: PythonFile, node: cst.CSTNode, *types: str) -> bool:
    """Whether a node stands, in its own function, in a `try` that catches one of these types or everything."""
    from .handlers import caught_types

    child: cst.CSTNode = node
    for above in file.parents(node):
        if isinstance(above, (cst.FunctionDef, cst.Lambda)):
            return False
        if isinstance(above, cst.Try) and above.body is child:
            for handler in above.handlers:
                caught = [name.rsplit(".", 1)[-1] for name in caught_types(file, handler)]
                if not caught or {"Exception", "BaseException", *types} & set(caught):
                    return True
        child = above
    return False


def after_docstring(function: cst.FunctionDef) -> int:
    """Number of the first statement of a function's body that is not its docstring."""
    first = function.body.body[0] if function.body.body else None
    if isinstance(first, cst.SimpleStatementLine) and isinstance(first.body[0], cst.Expr):
        return int(isinstance(first.body[0].value, (cst.SimpleString, cst.ConcatenatedString)))
    return 0

"""Templates that stand in Python string literals: a piece of the text replaced, the rest of the literal as it was."""

import re
from collections.abc import Callable
from typing import Any

import libcst as cst

from harnessfix_ir.anchors import Anchor

from . import jinja
from .python import Change, PythonFile

Choice = Callable[[jinja.Placeholder], bool]


def templates(file: PythonFile, anchor: Anchor) -> list[cst.SimpleString | cst.ConcatenatedString]:
    """Whole string literals at an anchor whose text holds a Jinja placeholder; f-strings are none."""

    def is_template(node: cst.SimpleString | cst.ConcatenatedString) -> bool:
        if any(isinstance(above, cst.ConcatenatedString) for above in file.parents(node)):
            return False
        value = node.evaluated_value
        return isinstance(value, str) and bool(jinja.placeholders(value))

    found: list[cst.SimpleString | cst.ConcatenatedString] = []
    found += file.find(anchor, cst.SimpleString, is_template)
    found += file.find(anchor, cst.ConcatenatedString, is_template)
    return found


def text_of(node: cst.SimpleString | cst.ConcatenatedString) -> str:
    """The text of a literal that `templates` found."""
    value = node.evaluated_value
    return value if isinstance(value, str) else ""


def newline_in(file: PythonFile, part: cst.SimpleString) -> str:
    """How a line end is spelt in a literal; a blank where it cannot be."""
    triple = len(part.quote) == 3
    if "r" in part.prefix.lower():
        return file.module.default_newline if triple else " "
    return file.module.default_newline if triple else "\\n"


def with_placeholders(
    file: PythonFile,
    node: cst.SimpleString | cst.ConcatenatedString,
    chosen: Choice,
    new: Callable[[jinja.Placeholder, str], str],
) -> dict[cst.CSTNode, Change]:
    """Changes that replace the chosen placeholders of a literal.

    Args:
        file: the file.
        node: the whole literal.
        chosen: which placeholders, as they stand in the whole text.
        new: source for a placeholder, given how a line end is spelt.
    """
    whole = iter(jinja.placeholders(text_of(node)))
    changes: dict[cst.CSTNode, cst.SimpleString] = {}
    for part in file.within(node, cst.SimpleString):
        raw, out, at = part.raw_value, "", 0
        for piece in jinja.placeholders(raw):
            seen = next(whole, None)
            if seen is None or seen.source != piece.source or not chosen(seen):
                continue
            out += raw[at : piece.start] + new(piece, newline_in(file, part))
            at = piece.end
        if at:
            changes[part] = part.with_changes(value=f"{part.prefix}{part.quote}{out}{raw[at:]}{part.quote}")
    return {node: lambda _: _refolded(node, changes)} if changes else {}


def _refolded(
    node: cst.SimpleString | cst.ConcatenatedString, changes: dict[cst.CSTNode, cst.SimpleString]
) -> cst.BaseExpression:
    """The literal with its parts changed; where parts have lines of their own, a changed one is broken at line ends."""
    if isinstance(node, cst.SimpleString):
        return changes[node]
    parts: list[tuple[cst.CSTNode, cst.BaseParenthesizableWhitespace]] = []
    tail: cst.CSTNode = node
    while isinstance(tail, cst.ConcatenatedString):
        parts += _broken(changes.get(tail.left, tail.left), tail.whitespace_between, tail.left in changes)
        tail = tail.right
    gap = node.whitespace_between
    parts += _broken(changes.get(tail, tail), gap, tail in changes)
    folded: Any = parts[-1][0]
    for part, space in reversed(parts[:-1]):
        folded = cst.ConcatenatedString(left=part, right=folded, whitespace_between=space)  # type: ignore[arg-type]
    return folded.with_changes(lpar=node.lpar, rpar=node.rpar)  # type: ignore[no-any-return]


def _broken(
    part: cst.CSTNode, gap: cst.BaseParenthesizableWhitespace, grew: bool
) -> list[tuple[cst.CSTNode, cst.BaseParenthesizableWhitespace]]:
    if not grew or not isinstance(part, cst.SimpleString) or not isinstance(gap, cst.ParenthesizedWhitespace):
        return [(part, gap)]
    pieces = [piece for piece in re.split(r"(?<=(?<!\\)\\n)", part.raw_value) if piece]
    plain = gap.with_changes(first_line=cst.TrailingWhitespace(newline=gap.first_line.newline), empty_lines=())
    broken = [(part.with_changes(value=f"{part.prefix}{part.quote}{piece}{part.quote}"), plain) for piece in pieces]
    return [*broken[:-1], (broken[-1][0], gap)]

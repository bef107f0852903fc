"""Templates that stand in Python string literals: a piece of the text replaced, the rest of the literal as it was."""

from collections.abc import Callable

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
    changes: dict[cst.CSTNode, Change] = {}
    for part in file.within(node, cst.SimpleString):
        raw, out, at = part.raw_value, "", 0
        for piece in jinja.placeholders(raw):
            seen = next(whole, None)
            if seen is None or seen.source != piece.source or not chosen(seen):
                continue
            out += raw[at : piece.start] + new(piece, newline_in(file, part))
            at = piece.end
        if at:
            literal = f"{part.prefix}{part.quote}{out}{raw[at:]}{part.quote}"
            changes[part] = lambda old, literal=literal: old.with_changes(value=literal)  # type: ignore[misc]
    return changes

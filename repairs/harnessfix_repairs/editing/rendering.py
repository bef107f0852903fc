"""The text of a changed module, where only the statements are written out that changed."""

from collections.abc import Sequence
from itertools import pairwise

import libcst as cst

Gap = tuple[int, int, int, int]
"""Statements of the old body from, to; and those of the new one that stand there instead."""


def code_beside(old: cst.Module, text: str, new: cst.Module) -> str:
    """The code of `new`, most of it taken from the text of the module that it was made from.

    Args:
        old: as it was parsed.
        text: its source.
        new: with some of its statements replaced; the others are the very nodes of `old`.
    """
    if not new.body or _ends(old) != _ends(new):
        return new.code
    pieces: list[str] = []
    done = 0
    for first, last, begin, end in _gaps(old.body, new.body):
        before = _code(old, old.body[first:last])
        # Where it stands is certain only when it stands there once.
        at = text.find(before)
        if not before or at < done or text.find(before, at + 1) >= 0:
            return new.code
        pieces += text[done:at], _code(new, new.body[begin:end])
        done = at + len(before)
    return "".join([*pieces, text[done:]])


def _gaps(old: Sequence[cst.CSTNode], new: Sequence[cst.CSTNode]) -> list[Gap]:
    """Where the statements differ; each gap holds at least one old one, by which its place is found."""
    place = {id(node): number for number, node in enumerate(old)}
    kept = [(place[id(node)], number) for number, node in enumerate(new) if id(node) in place]
    if any(later <= earlier for (earlier, _), (later, _) in pairwise(kept)):
        return [(0, len(old), 0, len(new))]
    gaps: list[Gap] = []
    for (left, begin), (right, end) in pairwise([(-1, -1), *kept, (len(old), len(new))]):
        first, begin = left + 1, begin + 1
        if first == right and begin == end:
            continue
        if first == right and left >= 0:
            first, begin = first - 1, begin - 1
        elif first == right < len(old):
            right, end = right + 1, end + 1
        if gaps and gaps[-1][1] >= first:
            first, _, begin, _ = gaps.pop()
        gaps.append((first, right, begin, end))
    return gaps


def _code(module: cst.Module, body: Sequence[cst.SimpleStatementLine | cst.BaseCompoundStatement]) -> str:
    return "".join(module.code_for_node(statement) for statement in body)


def _ends(module: cst.Module) -> tuple[str, ...]:
    """What stands before and behind the statements, and whether a line break ends it all."""
    ends = [module.code_for_node(line) for line in (*module.header, *module.footer)]
    return (str(len(module.header)), str(module.has_trailing_newline), *ends)

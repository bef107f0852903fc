"""A string literal that is to say more."""

import re

import libcst as cst

from harnessfix_repairs.operators.base import Refusal

from .python import PythonFile

Literal = cst.SimpleString | cst.FormattedString | cst.ConcatenatedString
_NOTHING = re.compile(r"\s*(\[\]|\{\}|null|none|n/?a|-|)\s*", re.IGNORECASE)


def is_literal(node: cst.CSTNode | None) -> bool:
    """Whether a node is a string literal, formatted or not."""
    if isinstance(node, cst.SimpleString):
        return "b" not in node.prefix.lower()
    return isinstance(node, (cst.FormattedString, cst.ConcatenatedString))


def with_tail(file: PythonFile, node: cst.BaseExpression, tail: str) -> str:
    """Source of an f-string that says what the literal says, and then `tail`.

    Args:
        file: the file.
        node: a string literal; one that says nothing (empty, `[]`, `null`) is replaced by the tail.
        tail: source of the inside of an f-string, without quotes in it.
    """
    if isinstance(node, cst.SimpleString):
        text = node.raw_value
        if _NOTHING.fullmatch(text):
            return f'f"{tail}"'
        prefix = "" if "f" in node.prefix.lower() else "f"
        escaped = text.replace("{", "{{").replace("}", "}}")
        return f"{prefix}{node.prefix}{node.quote}{_open_end(escaped)}{tail}{node.quote}"
    source = file.code(node)
    if isinstance(node, cst.FormattedString):
        return f"{source[: -len(node.end)]}{': ' if source[: -len(node.end)][-1:].isalnum() else ' '}{tail}{node.end}"
    if isinstance(node, cst.ConcatenatedString) and not source.startswith("("):
        raise Refusal(f"{file.path}:{file.line(node)} is a text in several pieces")
    return f'{source} + f": {tail}"'


def _open_end(text: str) -> str:
    """A sentence that can go on."""
    stripped = text.rstrip()
    newline = re.search(r"(\\n|\n)+$", stripped)
    body = stripped[: newline.start()] if newline else stripped
    return f"{body.rstrip('.!:')}: "

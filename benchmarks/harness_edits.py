"""Edits of one Python file, as a person makes them, to measure what they cost; each differs from the one before.

Files are bytes and so are columns: `ast` counts them that way.
"""

import ast
from collections.abc import Callable, Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
Edit = Callable[[bytes, int], bytes]


def body(text: bytes, number: int) -> bytes:
    """Some lines more inside the function in the middle: all that is below moves. At the end where there is none."""
    lines = text.splitlines(keepends=True)
    for function in _functions(text):
        last = function.body[-1]
        margin = lines[last.lineno - 1][: last.col_offset]
        if last.lineno > function.lineno and not margin.strip():
            lines[last.lineno - 1 : last.lineno - 1] = [b"%s_noted_%d = %d\n" % (margin, number, number)] * (number + 1)
            return b"".join(lines)
    return text + b"\n_noted_%d = %d\n" % (number, number)


def signature(text: bytes, number: int) -> bytes:
    """A parameter more of the function in the middle; a function more where no parameter can be added."""
    lines = text.splitlines(keepends=True)
    for function in _functions(text):
        given = [*function.args.posonlyargs, *function.args.args]
        own = [argument for argument in given[:1] if argument.arg in ("self", "cls")]
        at = given[len(own)] if len(given) > len(own) else None
        if at is not None:
            line = lines[at.lineno - 1]
            lines[at.lineno - 1] = b"%sadded_%d, %s" % (line[: at.col_offset], number, line[at.col_offset :])
            return b"".join(lines)
    return text + b"\n\ndef added_%d(value_%d):\n    return value_%d\n" % (number, number, number)


def ends(text: bytes, number: int) -> bytes:
    """Some lines more at the top and a function at the end."""
    return b"# one more line\n" * (number + 1) + text + b"\n\ndef added_%d(value):\n    return value\n" % number


EDITS: dict[str, Edit] = {"body": body, "signature": signature, "ends": ends}


def _functions(text: bytes) -> Iterator[Function]:
    """Functions of a file from the middle on, then those before."""
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, Function)]
    found.sort(key=lambda node: node.lineno)
    yield from found[len(found) // 2 :]
    yield from found[: len(found) // 2]

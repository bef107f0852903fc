"""What the program that is recorded speaks of: the words of the names in its source.

A program says by what it imports, sets and reads which part of a harness it is about: one that passes
`planning_interval=1` and reads `memory.steps` is not about streaming. Kept are words, not the source.
"""

import ast
import os
import warnings
from collections.abc import Container, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from harnessfix_ir.names import PYTHONS, words_in

LARGEST = 1_000_000  # bytes of source that are read
MOST_WORDS = 2_000
LONGEST = 60  # letters of a name; what is longer is data


def words_of_program(command: Sequence[str], cwd: Path | None = None) -> tuple[str, ...]:
    """Words of the program that a command starts, in order of the alphabet; none where its source is not found.

    Args:
        command: program and arguments; the first Python file among them counts, else what follows `-c` or `-m`.
        cwd: folder that its paths are relative to; the current one when None.
    """
    return words_of_source(_source(command, cwd or Path()))


def words_of_source(source: bytes | str, imported: Container[str] = ()) -> tuple[str, ...]:
    """Words of the names that a Python source imports, sets, reads and writes as text, in order of the alphabet.

    Local variables, what it defines itself, docstrings, comments and sentences do not count: they say what a program
    is called, not what it uses.

    Args:
        source: of a module, or a part of one; one that cannot be parsed has no words.
        imported: names that the rest of the module brings in.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    names = {name for node in ast.walk(tree) for name in _names(node, imported)}
    used = (name for name in names if len(name) <= LONGEST and name not in PYTHONS and not name.startswith("__"))
    return tuple(sorted({word for name in used for word in words_in(name)})[:MOST_WORDS])


def _names(node: ast.AST, imported: Container[str]) -> Iterator[str]:
    match node:
        case ast.ImportFrom():
            yield from (alias.name for alias in node.names)
        case ast.Name(id=name) if name in imported:
            yield name
        case ast.Attribute():
            yield node.attr
        case ast.keyword(arg=str(name)):
            yield name
        case ast.Constant(value=str(text)) if text.isidentifier() and not any(map(str.isdigit, text)):
            yield text


def _source(command: Sequence[str], cwd: Path) -> bytes | str:
    file = next((cwd / word for word in command if word.endswith(".py") and (cwd / word).is_file()), None)
    for option, value in pairwise(command) if file is None else ():
        if option == "-c":
            return value
        if option == "-m":
            file = _module(cwd, value)
            break
    if file is None:
        return b""
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except OSError:
        return b""
    return data if len(data) <= LARGEST else b""


def _module(cwd: Path, name: str) -> Path | None:
    inner = cwd.joinpath(*name.split(".")) if all(part.isidentifier() for part in name.split(".")) else None
    if inner is None:
        return None
    places = (Path(f"{os.fspath(inner)}.py"), inner / "__main__.py")
    return next((place for place in places if place.is_file()), None)

"""What the program that is recorded speaks of: the names in its source.

A program says by what it imports, sets and reads which part of a harness it is about: one that passes
`planning_interval=1` and reads `memory.steps` is not about streaming. Kept are names, not the source.
"""

import ast
import os
import sys
import warnings
from collections.abc import Callable, Container, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from harnessfix_ir.names import PYTHONS, speaks
from harnessfix_ir.source.words import SECRET_NAME

LARGEST = 1_000_000  # bytes of source that are read
MOST_NAMES = 1_000


def names_of_program(command: Sequence[str], cwd: Path | None = None) -> tuple[str, ...]:
    """Names in the program that a command starts, in order of the alphabet; none where its source is not found.

    Args:
        command: program and arguments; the first Python file among them counts, else what follows `-c` or `-m`.
        cwd: folder that its paths are relative to; the current one when None.
    """
    return names_of_source(_source(command, cwd or Path()))


def names_of_source(source: bytes | str, imported: Container[str] = ()) -> tuple[str, ...]:
    """Names that a Python source imports, sets, reads and writes as text, in order of the alphabet.

    Local variables, docstrings, comments and sentences do not count: they say what a program is called, not what it
    uses. Nor does what belongs to the standard library, or is handed to functions of the source itself, nor a text
    that is given to something named like a secret.

    Args:
        source: of a module, or a part of one; one that cannot be parsed has no names.
        imported: names that the rest of the module brings in.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    nodes = list(ast.walk(tree))
    aside = _reached_from({name for node in nodes for name in _not_used(node)}, nodes)
    names = {name for node in nodes for name in _names(node, imported, aside)}
    names -= {text for node in nodes for text in _secrets(node)}
    return tuple(sorted(name for name in names if speaks(name) and not any(map(str.isdigit, name)))[:MOST_NAMES])


def without_secrets(names: Sequence[str], scrub: Callable[[str], str]) -> tuple[str, ...]:
    """Names but those that hold a secret, which `scrub` would replace."""
    return tuple(name for name in names if scrub(name) == name)


def _not_used(node: ast.AST) -> Iterator[str]:
    """Local names of what is Python's own or the program's own: a call of it says nothing of a harness."""
    match node:
        case ast.Import():
            yield from (alias.asname or alias.name for alias in node.names if _of_python(alias.name))
        case ast.ImportFrom() if _of_python(node.module or ""):
            yield from (alias.asname or alias.name for alias in node.names)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name


def _reached_from(names: Container[str], nodes: Sequence[ast.AST]) -> set[ast.AST]:
    """Nodes that are one of these names, or something below one (`os.path` of `os`); `nodes` lists parents first."""
    found: set[ast.AST] = set()
    for node in reversed(nodes):
        match node:
            case ast.Name(id=name) if name in names:
                found.add(node)
            case ast.Attribute(value=value) if value in found:
                found.add(node)
    return found


def _names(node: ast.AST, imported: Container[str], aside: Container[ast.AST]) -> Iterator[str]:
    match node:
        case ast.ImportFrom() if not _of_python(node.module or ""):
            yield from (alias.name for alias in node.names)
        case ast.Name(id=name) if name in imported:
            yield name
        case ast.Attribute() if node not in aside:
            yield node.attr
        case ast.Call() if node.func not in aside and not _is_pythons(node.func):
            yield from (keyword.arg for keyword in node.keywords if keyword.arg)
        case ast.Constant(value=str(text)) if text.isidentifier():
            yield text


def _secrets(node: ast.AST) -> Iterator[str]:
    """Texts that are given to what is named like a secret (`password="swordfish"`)."""
    for name, value in _given(node):
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and SECRET_NAME.search(name):
            yield value.value


def _given(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    match node:
        case ast.keyword(arg=str(name), value=value):
            yield name, value
        case ast.Assign(targets=targets, value=value):
            yield from ((_name_of(target), value) for target in targets)
        case ast.AnnAssign(target=target, value=value):
            yield _name_of(target), value
        case ast.Dict(keys=keys, values=values):
            yield from ((_name_of(key), value) for key, value in zip(keys, values))


def _name_of(place: ast.expr | None) -> str:
    match place:
        case (
            ast.Name(id=str(name))
            | ast.Attribute(attr=str(name))
            | ast.Constant(value=str(name))
            | ast.Subscript(slice=ast.Constant(value=str(name)))
        ):
            return name
    return ""


def _is_pythons(function: ast.expr) -> bool:
    return isinstance(function, ast.Name) and function.id in PYTHONS


def _of_python(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


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

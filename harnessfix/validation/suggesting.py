"""Tests of the user's own that speak of what a patch changes, to be named where nothing was run."""

import ast
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from harnessfix_repairs.patch import Patch

FILES = 2_000  # looked at, at most
BYTES = 500_000  # of one file
MOST = 3
_NAMES = re.compile(r"test_\w*\.py|\w+_test\.py")
_SKIPPED = re.compile(r"\..*|__pycache__|node_modules|site-packages|build|dist|venv|env")


def tests_of(root: Path, patches: Sequence[Patch]) -> list[str]:
    """Node ids of tests below a folder that name a changed function, else a changed module; the first few.

    Nothing is imported or run: a name in the text of a test is a hint and no more.

    Args:
        root: folder that the node ids are relative to.
        patches: whose symbols are looked for.
    """
    symbols = [symbol.rpartition(":") for patch in patches for symbol in patch.spec.allowed.symbols]
    functions = {name.rpartition(".")[2] for _, _, name in symbols} - {"<module>", "<imports>", "__init__"}
    modules = {Path(file.path).stem for patch in patches for file in patch.files} - {"__init__"}
    found: dict[str, list[str]] = {"function": [], "module": []}
    for place in _test_files(root):
        for name, words in _tests(place):
            sort = "function" if functions & words else "module" if modules & words else ""
            if sort:
                found[sort].append(f"{place.relative_to(root).as_posix()}::{name}")
    return (found["function"] or found["module"])[:MOST]


def _test_files(root: Path) -> Iterator[Path]:
    seen = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not _SKIPPED.fullmatch(name))
        for name in sorted(names):
            seen += 1
            if seen > FILES:
                return
            place = Path(folder, name)
            if _NAMES.fullmatch(name) and place.is_file() and not place.is_symlink():
                yield place


def _tests(place: Path) -> Iterator[tuple[str, set[str]]]:
    """Each test of a file with the names that it speaks of, and those that the names it imports stand for."""
    try:
        data = place.read_bytes()
        tree = ast.parse(data) if len(data) <= BYTES else ast.Module([], [])
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    imported: dict[str, set[str]] = {}
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            module = set((node.module or "").split(".")) if isinstance(node, ast.ImportFrom) else set()
            for alias in node.names:
                names = alias.name.split(".")
                imported[alias.asname or names[0]] = module | set(names)
    for node in tree.body:
        prefix, tests = ("", [node]) if not isinstance(node, ast.ClassDef) else (f"{node.name}::", node.body)
        for test in tests:
            if isinstance(test, (ast.FunctionDef, ast.AsyncFunctionDef)) and test.name.startswith("test"):
                words = _words(test)
                yield f"{prefix}{test.name}", words.union(*(imported[word] for word in words & imported.keys()))


def _words(tree: ast.AST) -> set[str]:
    words: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            words.add(node.id)
        elif isinstance(node, ast.Attribute):
            words.add(node.attr)
        elif isinstance(node, ast.alias):
            words.update(node.name.split("."))
    return words

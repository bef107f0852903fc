"""Which flaws are planted in a harness: every mutator at places that the tasks reach."""

import ast
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .mutator import Mutator, all_mutators
from .source import Edit

MOST_PLACES, MOST_TASKS = 2, 3


@dataclass(frozen=True)
class Plant:
    """One flaw in one place.

    Args:
        mutator: what takes the good behaviour out.
        path: of the file, relative to the folder that holds the harness.
        edit: of that file.
        tasks: that reach the place.
    """

    mutator: Mutator
    path: str
    edit: Edit
    tasks: tuple[str, ...]

    @property
    def version(self) -> str:
        """Of the harness that has this flaw."""
        return hashlib.sha1(repr((self.path, self.edit)).encode(), usedforsecurity=False).hexdigest()[:12]

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.mutator.name} {self.path}:{self.edit.qualname}"


Covered = Mapping[str, Mapping[str, set[int]]]


def plants(harness: Path, covered: Covered) -> Iterator[Plant]:
    """The flaws to plant.

    Args:
        harness: file or folder of a sound harness.
        covered: task to path to the lines it runs.
    """
    files = [harness] if harness.is_file() else sorted(path for path in harness.rglob("*") if path.is_file())
    texts = {
        path.relative_to(harness.parent).as_posix(): path.read_text(errors="replace") for path in files if _text(path)
    }
    for mutator in all_mutators():
        found = [
            Plant(mutator, path, edit, tasks[:MOST_TASKS])
            for path, text in texts.items()
            if path.endswith(mutator.suffixes)
            for edit in mutator.edits(text)
            if (tasks := _reaching(path, text, edit, covered))
        ]
        yield from sorted(found, key=_scattered)[:MOST_PLACES]


def _text(path: Path) -> bool:
    return path.suffix in (".py", ".md", ".txt", ".yaml", ".yml")


def _reaching(path: str, text: str, edit: Edit, covered: Covered) -> tuple[str, ...]:
    """Tasks that run something of what is changed; those that run most of it first, since they go into its branches,
    then those that run most of its function, since they go into its handlers."""
    if not path.endswith(".py"):
        return tuple(task for task, lines in covered.items() if path in lines)
    first, last = text.count("\n", 0, edit.start) + 1, text.count("\n", 0, edit.end) + 1
    around = _function_lines(text, first, last)
    ran = {task: lines.get(path, set()) for task, lines in covered.items()}
    counts = {task: (sum(first <= at <= last for at in lines), len(around & lines)) for task, lines in ran.items()}
    reaching = (task for task, (inside, _) in counts.items() if inside)
    return tuple(sorted(reaching, key=lambda task: counts[task], reverse=True))


def _function_lines(text: str, first: int, last: int) -> set[int]:
    """Lines of the innermost function around some lines."""
    spans = (
        (node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )
    around = [span for span in spans if span[0] <= first and last <= span[1]]
    start, end = max(around, default=(first, last))
    return set(range(start, end + 1))


def _scattered(plant: Plant) -> str:
    """An order that prefers no place, and is the same every time."""
    return hashlib.sha1(f"{plant.path}:{plant.edit.qualname}:{plant.edit.start}".encode()).hexdigest()

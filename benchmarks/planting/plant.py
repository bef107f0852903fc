"""Which flaws are planted in a harness: every mutator at places that the tasks reach."""

import ast
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harnessfix.rules._own import is_model_step
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import Layer

from .mutator import Mutator, all_mutators
from .source import Edit, parsed

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
    def layer(self) -> Layer:
        """Of the harness on which the flaw lies."""
        return self.edit.layer or self.mutator.layer

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.mutator.name} {self.path}:{self.edit.qualname}"


Opened = Callable[[str], set[str]]
"""Tells which files other than Python's a task reads."""


def plants(harness: Path, sound: Mapping[str, Sequence[Htir]], opened: Opened, skip: int = 0) -> Iterator[Plant]:
    """The flaws to plant.

    Args:
        harness: file or folder of a sound harness.
        sound: task to its runs, in which the lines that it reached are marked.
        opened: asked only where a flaw can be planted in such a file.
        skip: places of each sort that are left out, since they were tried before.
    """
    files = [harness] if harness.is_file() else sorted(path for path in harness.rglob("*") if path.is_file())
    texts = {
        path.relative_to(base_of(harness)).as_posix(): path.read_text(errors="replace") for path in files if _text(path)
    }
    reached = {path for runs in sound.values() for run in runs for path, marks in run.reached.items() if marks.hit}
    weights = {"rare": _rarity(sound), "long": _counted(sound, _lasts), "failing": _counted(sound, _fails)}
    for mutator in all_mutators():
        found = [
            Plant(mutator, path, edit, tasks[:MOST_TASKS])
            for path, text in texts.items()
            if path.endswith(mutator.suffixes) and (path in reached or not path.endswith(".py"))
            for edit in mutator.edits(text)
            if (
                tasks := _reaching(
                    path, text, edit, sound, opened, weights[mutator.shown_by], mutator.shown_by != "rare"
                )
            )
        ]
        yield from sorted(found, key=_scattered)[skip : skip + MOST_PLACES]


def base_of(harness: Path) -> Path:
    """The folder that the paths of a harness are relative to: a namespace package counts for no part of them."""
    return harness if harness.is_dir() and not (harness / "__init__.py").exists() else harness.parent


def _text(path: Path) -> bool:
    return path.suffix in (".py", ".md", ".txt", ".yaml", ".yml")


def _reaching(
    path: str,
    text: str,
    edit: Edit,
    sound: Mapping[str, Sequence[Htir]],
    opened: Opened,
    weight: Mapping[str, float],
    weight_first: bool,
) -> tuple[str, ...]:
    """Tasks that run something of what is changed; those that run most of it first, since they go into its branches,
    then those that run most of its function, since they go into its handlers, then those of most weight: those that run
    what few others do, since something goes wrong in them. Where weight comes first, it does before their functions."""
    if not path.endswith(".py"):
        return tuple(task for task in sound if path in opened(task))
    first, last = text.count("\n", 0, edit.start) + 1, text.count("\n", 0, edit.end) + 1
    around = _function_lines(text, first, last)
    counts: dict[str, tuple[float, ...]] = {}
    for task, runs in sound.items():
        marks = [run.reached[path] for run in runs if path in run.reached]
        ran = {at for at in around if any(each.ran(at) for each in marks)}
        counts[task] = (
            sum(first <= at <= last for at in ran),
            *((weight[task], len(ran)) if weight_first else (len(ran), weight[task])),
        )
    reaching = (task for task, (inside, *_) in counts.items() if inside)
    return tuple(sorted(reaching, key=lambda task: counts[task], reverse=True))


def _counted(sound: Mapping[str, Sequence[Htir]], count: Callable[[Htir], int]) -> dict[str, float]:
    return {task: float(sum(map(count, runs))) for task, runs in sound.items()}


def _lasts(run: Htir) -> int:
    return len(run.steps)


def _fails(run: Htir) -> int:
    """Requests that failed; not those of whose reply nothing could be made."""
    requests = [step for step in run.steps if is_model_step(step)]
    answered = {step.id for step in requests if step.error is None}
    failed = (step for step in requests if step.error is not None)
    return sum(not any(inner.id in answered for inner in run.descendants(step.id)) for step in failed)


def _rarity(sound: Mapping[str, Sequence[Htir]]) -> dict[str, float]:
    """For each task how much it runs that others do not: a place counts for less, the more tasks reach it."""
    places = {
        task: {(path, line) for run in runs for path, marks in run.reached.items() for line in marks.hit}
        for task, runs in sound.items()
    }
    shared = Counter(place for reached in places.values() for place in reached)
    return {task: sum(1 / shared[place] for place in reached) for task, reached in places.items()}


def _function_lines(text: str, first: int, last: int) -> set[int]:
    """Lines of the innermost function around some lines."""
    spans = (
        (node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(parsed(text).tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )
    around = [span for span in spans if span[0] <= first and last <= span[1]]
    start, end = max(around, default=(first, last))
    return set(range(start, end + 1))


def _scattered(plant: Plant) -> str:
    """An order that prefers no place, and is the same every time."""
    return hashlib.sha1(f"{plant.path}:{plant.edit.qualname}:{plant.edit.start}".encode()).hexdigest()

"""Runs in batches, those of one block together: a block is opened as a whole."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from harnessfix.engines import Engine
from harnessfix.store import RunFacts

MOST_HERE = 16
MOST_SHARED = 50
"""Runs in a batch: enough that handing it out costs nothing beside the work (on a cluster more so), few enough to share
out evenly and to say how far the work is."""
PIECES = 4
"""Batches that a block of many runs is cut into; each opens the block anew and reads it up to its last run."""


class Task(NamedTuple):
    """One run and the key of its harness model."""

    run: RunFacts
    model: str


Batch = tuple[Task, ...]


def size_for(engine: Engine, runs: int) -> int:
    """How many of so many runs make a batch."""
    if engine.shared:
        return MOST_SHARED
    return max(1, min(MOST_HERE, runs // (PIECES * engine.workers)))


def batches(tasks: Iterable[Task], size: int) -> Iterator[Batch]:
    """Batches of about `size` runs.

    Args:
        tasks: those of one block one after the other.
    """
    batch: list[Task] = []
    for _, group in groupby(tasks, key=lambda task: task.run.blob):
        of_block = list(group)
        if len(of_block) > size:
            yield from _pieces(of_block, size)
            continue
        batch += of_block
        if len(batch) >= size:
            yield tuple(batch)
            batch = []
    if batch:
        yield tuple(batch)


def _pieces(tasks: list[Task], size: int) -> Iterator[Batch]:
    count = min(PIECES, -(-len(tasks) // size))
    for number in range(count):
        yield tuple(tasks[number * len(tasks) // count : (number + 1) * len(tasks) // count])

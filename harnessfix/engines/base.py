"""What an engine does."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from harnessfix_ir.errors import HarnessfixError

P = TypeVar("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Done(Generic[P, R]):
    """What became of a part.

    Args:
        part: as it was given.
        result: what the job returned, None when it failed.
        error: the exception that the job raised, or one that names how its worker died.
    """

    part: P
    result: R | None = None
    error: Exception | None = None


class WorkerDiedError(HarnessfixError):
    """Several workers died one after the other while they worked on one part."""


class Engine(Protocol):
    """Executes a job over parts.

    Attributes:
        workers: how many parts are worked on at the same time.
        shared: whether other machines take part, so that only what is in the store outlives the caller.
    """

    workers: int
    shared: bool

    def run(self, job: Callable[[P], R], parts: Iterable[P]) -> Iterator[Done[P, R]]:
        """Execute `job` once for each part, in any order; each part is yielded exactly once.

        `parts` is read no faster than they are done. An exception of the job is the part's own; a worker that dies
        costs another attempt. When the caller stops, workers are ended before this returns.
        """
        ...

    def close(self) -> None:
        """Let go of whatever the engine holds; it is not used after that."""
        ...

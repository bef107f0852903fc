"""One engine for several jobs of a command: a cluster is not started anew for each."""

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self

from .base import Done, Engine, P, R


class Lasting:
    """Makes engines as the function it wraps, but a shared one only once. A context manager, at whose end it goes.

    Args:
        make: makes an engine for so many runs.
    """

    def __init__(self, make: Callable[[int], Engine]) -> None:
        self._make = make
        self._held: Engine | None = None

    def __call__(self, runs: int) -> Engine:
        """An engine for so many runs; closing it leaves a shared one as it is."""
        if self._held is None:
            made = self._make(runs)
            if not made.shared:
                return made
            self._held = made
        return _Open(self._held)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._held is not None:
            self._held.close()


class _Open:
    shared = True

    def __init__(self, engine: Engine) -> None:
        self._engine, self.workers = engine, engine.workers

    def run(self, job: Callable[[P], R], parts: Iterable[P]) -> Iterator[Done[P, R]]:
        return self._engine.run(job, parts)

    def close(self) -> None:
        """Not yet."""

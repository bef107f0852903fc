"""One part after the other, in this process: the reference for all engines."""

from collections.abc import Callable, Iterable, Iterator

from .base import Done, P, R


class Serial:
    """This process."""

    workers = 1
    shared = False

    def run(self, job: Callable[[P], R], parts: Iterable[P]) -> Iterator[Done[P, R]]:
        """As `Engine.run`, in the order of `parts`."""
        for part in parts:
            try:
                result = job(part)
            except Exception as error:
                yield Done(part, error=error)
            else:
                yield Done(part, result)

    def close(self) -> None:
        """Nothing is held."""

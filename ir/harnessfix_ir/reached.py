"""Which lines of a harness ran: what makes a flaw that stands in the source a flaw of this run."""

from bisect import bisect_right
from collections.abc import Mapping

from .document import Document


class Reached(Document):
    """Marks in one file: first lines of straight stretches of code in its functions.

    Args:
        hit: those that ran, in order.
        missed: those that did not, in order; of a function that was not entered its first.
    """

    hit: tuple[int, ...] = ()
    missed: tuple[int, ...] = ()

    def ran(self, line: int) -> bool:
        """Whether the stretch of code that `line` is in was reached: by the nearest mark at or above it."""
        at = bisect_right(self.hit, line)
        if not at:
            return False
        beside = bisect_right(self.missed, line)
        return not beside or self.hit[at - 1] >= self.missed[beside - 1]

    def entered(self, start: int, end: int) -> bool:
        """Whether anything between two lines ran, both included."""
        return bisect_right(self.hit, end) > bisect_right(self.hit, start - 1)


def reached_of(marks: Mapping[int, bool]) -> Reached:
    """From marked lines, each with whether it was reached."""
    return Reached(
        hit=tuple(sorted(line for line, ran in marks.items() if ran)),
        missed=tuple(sorted(line for line, ran in marks.items() if not ran)),
    )

"""Which lines of a harness ran: what makes a flaw that stands in the source a flaw of this run."""

from bisect import bisect_right
from collections.abc import Mapping
from enum import IntEnum

from .document import Document


class Mark(IntEnum):
    """What is known of a stretch of code; of two processes the higher counts."""

    MISSED = 0
    IMPORTED = 1
    RAN = 2


class Reached(Document):
    """Marks in one file: first lines of straight stretches of code in its functions.

    Args:
        hit: those that ran, in order.
        missed: those that did not, in order; of a function that was not entered its first.
        imported: those of `hit` that ran while modules were imported and never again, in order.
    """

    hit: tuple[int, ...] = ()
    missed: tuple[int, ...] = ()
    imported: tuple[int, ...] = ()

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

    def without_imports(self) -> "Reached":
        """The same with what only imports ran among what was missed."""
        if not self.imported:
            return self
        left_out = set(self.imported)
        return Reached(
            hit=tuple(line for line in self.hit if line not in left_out),
            missed=tuple(sorted((*self.missed, *self.imported))),
        )


def reached_of(marks: Mapping[int, Mark]) -> Reached:
    """From marked lines, each with what is known of it."""
    return Reached(
        hit=tuple(sorted(line for line, mark in marks.items() if mark)),
        missed=tuple(sorted(line for line, mark in marks.items() if not mark)),
        imported=tuple(sorted(line for line, mark in marks.items() if mark is Mark.IMPORTED)),
    )

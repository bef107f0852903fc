"""What every link family reads: the steps of a repaired run with tree, order and texts indexed once."""

from collections.abc import Iterator, Mapping
from functools import cached_property

from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import StepKind

CLOCK_TOLERANCE_NS = 1_000_000


class RunView:
    """A run as the compiler looks at it; steps are named by their index.

    The order of events is the Euler tour of the step tree: a step's input is there from `begin[i]`, its output and its
    error from `end[i]`. Parallel siblings are told apart by time where times are known (`ended_before`).

    Args:
        steps: repaired, in order of start.
        texts: digest to text; every part's text is in it.
    """

    def __init__(self, steps: list[TraceStep], texts: Mapping[str, str]) -> None:
        self.steps = steps
        self.texts = texts
        index = {step.id: i for i, step in enumerate(steps)}
        self.parent = [-1 if step.parent is None else index[step.parent] for step in steps]
        self.children: list[list[int]] = [[] for _ in steps]
        self.roots: list[int] = []
        for i, parent in enumerate(self.parent):
            (self.roots if parent < 0 else self.children[parent]).append(i)
        self.begin, self.end = [0] * len(steps), [0] * len(steps)
        self.order = list(self._tour())

    def _tour(self) -> Iterator[int]:
        """Number begins and ends; yields steps in order of begin."""
        clock = 0
        pending = [(root, False) for root in reversed(self.roots)]
        while pending:
            i, leaving = pending.pop()
            if leaving:
                self.end[i] = clock
            else:
                self.begin[i] = clock
                yield i
                pending.append((i, True))
                pending.extend((child, False) for child in reversed(self.children[i]))
            clock += 1

    def inside(self, inner: int, outer: int) -> bool:
        """Whether step `inner` is `outer` or happened in it."""
        return self.begin[outer] <= self.begin[inner] and self.end[inner] <= self.end[outer]

    def ended_before(self, earlier: int, later: int) -> bool:
        """Whether `earlier` may have ended when `later` began, as far as clocks tell."""
        ended, started = self.steps[earlier].ended_ns, self.steps[later].started_ns
        return ended is None or started is None or ended <= started + CLOCK_TOLERANCE_NS

    @cached_property
    def task_of(self) -> list[int]:
        """For every step the innermost task around it (not itself), -1 without one."""
        found = [-1] * len(self.steps)
        for i in self.order:
            parent = self.parent[i]
            if parent >= 0:
                found[i] = parent if self.steps[parent].kind is StepKind.TASK else found[parent]
        return found

    @cached_property
    def agent_of(self) -> list[str]:
        """For every step the agent's name: its own, else that of the nearest step around it that has one."""
        found = [""] * len(self.steps)
        for i in self.order:
            parent = self.parent[i]
            found[i] = self.steps[i].agent or (found[parent] if parent >= 0 else "")
        return found

    def ancestors(self, i: int) -> Iterator[int]:
        """The steps around `i`, innermost first."""
        at = self.parent[i]
        while at >= 0:
            yield at
            at = self.parent[at]

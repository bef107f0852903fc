"""Temporal links: which step follows which among the steps of one parent."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from harnessfix_ir.compiler.view import RunView
from harnessfix_ir.steps import TraceLink, new_link
from harnessfix_ir.vocabulary import Evidence, LinkKind


def temporal_links(view: RunView) -> Iterator[TraceLink]:
    """One `follows` link at most into each step: from the sibling that ended last before it began.

    Observed when both times are known; derived from the order of the record when they are not.
    """
    yield from _among(view, view.roots)
    for siblings in view.children:
        if len(siblings) > 1:
            yield from _among(view, siblings)


def _among(view: RunView, siblings: Sequence[int]) -> Iterator[TraceLink]:
    steps = view.steps
    times = [(steps[i].started_ns, steps[i].ended_ns) for i in siblings]
    known = [(started, ended) for started, ended in times if started is not None and ended is not None]
    if len(known) < len(times) or not _sound(known):
        for before, after in pairwise(siblings):
            if view.ended_before(before, after):
                yield _link(view, before, after, Evidence.DERIVED)
        return
    by_end = sorted(range(len(known)), key=lambda n: (known[n][1], n))
    ended, last = 0, -1
    for n, (started, _) in enumerate(known):
        while ended < len(by_end) and known[by_end[ended]][1] <= started and by_end[ended] < n:
            last = by_end[ended]
            ended += 1
        if last >= 0:
            yield _link(view, siblings[last], siblings[n], Evidence.OBSERVED)


def _sound(times: Sequence[tuple[int, int]]) -> bool:
    """Whether every step ends after it begins, and the steps begin in the order they are listed."""
    begins_in_order = all(first[0] <= second[0] for first, second in pairwise(times))
    return begins_in_order and all(started <= ended for started, ended in times)


def _link(view: RunView, before: int, after: int, evidence: Evidence) -> TraceLink:
    return new_link(source=view.steps[before].id, target=view.steps[after].id, kind=LinkKind.FOLLOWS, evidence=evidence)

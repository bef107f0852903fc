"""Temporal links: which step follows which among the steps of one parent."""

import itertools
from collections.abc import Iterator, Sequence

from harnessfix_ir.compiler.view import RunView
from harnessfix_ir.steps import TraceLink
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
    if any(steps[i].started_ns is None or steps[i].ended_ns is None for i in siblings):
        for before, after in itertools.pairwise(siblings):
            if view.ended_before(before, after):
                yield _link(view, before, after, Evidence.DERIVED)
        return
    by_end = sorted(siblings, key=lambda i: (steps[i].ended_ns or 0, i))
    by_start = sorted(siblings, key=lambda i: (steps[i].started_ns or 0, i))
    ended, last = 0, -1
    for i in by_start:
        began = steps[i].started_ns or 0
        while ended < len(by_end) and (steps[by_end[ended]].ended_ns or 0) <= began and by_end[ended] < i:
            last = by_end[ended]
            ended += 1
        if last >= 0:
            yield _link(view, last, i, Evidence.OBSERVED)


def _link(view: RunView, before: int, after: int, evidence: Evidence) -> TraceLink:
    return TraceLink(
        source=view.steps[before].id, target=view.steps[after].id, kind=LinkKind.FOLLOWS, evidence=evidence
    )

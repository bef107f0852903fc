"""The links of one step in words, from its own point of view."""

from harnessfix_ir.provenance import Fate, Origin
from harnessfix_ir.steps import TraceLink
from harnessfix_ir.vocabulary import Evidence, LinkKind

# What a link says of the step it leads to, and of the step it comes from.
_TO = {
    LinkKind.FOLLOWS: "after {0}",
    LinkKind.ITERATION: "the next round after {0}",
    LinkKind.RETRY_OF: "tries {0} again",
    LinkKind.BRANCH: "one of the calls of {0}",
    LinkKind.HANDLED_BY: "handles what {0} raised",
    LinkKind.GUARDED_BY: "guarded by {0}",
    LinkKind.DELEGATED_TO: "handed over by {0}",
    LinkKind.TERMINATED_BY: "ends {0}",
    LinkKind.WROTE_READ: "reads what {0} wrote",
}
_FROM = {
    LinkKind.FOLLOWS: "before {0}",
    LinkKind.ITERATION: "the round before {0}",
    LinkKind.RETRY_OF: "tried again by {0}",
    LinkKind.BRANCH: "calls {0}",
    LinkKind.HANDLED_BY: "handled by {0}",
    LinkKind.GUARDED_BY: "guards {0}",
    LinkKind.DELEGATED_TO: "hands over to {0}",
    LinkKind.TERMINATED_BY: "ended by {0}",
    LinkKind.WROTE_READ: "is read by {0}",
}


def link_words(link: TraceLink, step: str) -> str:
    """A control, state or temporal link of a step: `the next round after s3: round 2`."""
    words = _TO[link.kind].format(link.source) if link.target == step else _FROM[link.kind].format(link.target)
    return f"{words}{': ' if link.detail else ''}{link.detail}{rung(link.evidence)}"


def origin_words(origin: Origin, length: int) -> str:
    """Where some characters came from: `26–110 copied from s6: its error message`.

    Args:
        origin: of the characters.
        length: of the whole text; the place is left out where it is all of it.
    """
    place = "" if (origin.start, origin.end) == (0, length) else f"{_range(origin.start, origin.end)} "
    if origin.source is None or origin.kind is None or origin.evidence is None:
        return f"{place}from no earlier step"
    span = origin.source_span
    there = f" {span.side}put {span.part} [{_range(span.start, span.end)}]" if span is not None else ""
    detail = f": {origin.detail}" if origin.detail else ""
    return f"{place}{origin.kind.value} from {origin.source}{there}{detail}{rung(origin.evidence)}"


def fate_words(fate: Fate, length: int) -> str:
    """What became of some characters: `s15 copied it: whole`; of an error message when `length` is 0."""
    whole = (fate.start, fate.end) == (0, length)
    what = "" if whole else f" [{_range(fate.start, fate.end)}]"
    verb = "lacks it" if fate.kind is LinkKind.OMITTED else fate.kind.value
    detail = f": {fate.detail}" if fate.detail else ""
    return f"{fate.target} {verb}{what}{detail}{rung(fate.evidence)}"


def rung(evidence: Evidence) -> str:
    """How it is known, where that is less than seen."""
    return "" if evidence is Evidence.OBSERVED else f" ({evidence.value})"


def _range(start: int, end: int) -> str:
    return f"{start:,}–{end:,}"

"""Short values: ids, paths and addresses that a model took from an earlier output into the arguments of a call.

They are too short to leave a fingerprint. Each value is looked for by the hashes of some of its runs of eight letters
and digits in one pass over all earlier outputs; the rarest of them leads to the places, and every find is verified.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harnessfix_ir.compiler.occurrences import IN, Production, Sink, may_feed
from harnessfix_ir.compiler.textids import TextIds
from harnessfix_ir.compiler.view import RunView
from harnessfix_ir.vocabulary import LinkKind, StepKind

from .eights import WIDTH, find_eights
from .judging import Judge
from .normal import normalise
from .relation import Piece, Relation, delimited

LONGEST_ARGUMENT = 20_000
MOST_VALUES = 48
MOST_LINKS = 3
COMMON = 6
MOST_HITS = 64
_VALUE = re.compile(r"[A-Za-z0-9][\w./:@#~+-]{6,200}[\w]")
_TELLING = re.compile(r"\d|[/@:]|\w\.\w|_|[a-z][A-Z]|\w-\w")


@dataclass(frozen=True)
class Value:
    """A value in an argument: its text and where it stands there."""

    text: str
    start: int


@dataclass(frozen=True)
class ValueLink:
    """A value of an argument and the production that it was taken from."""

    source: Production
    sink: Sink
    relation: Relation


def find_values(
    view: RunView,
    ids: TextIds,
    judge: Judge,
    produced: Mapping[int, Sequence[Production]],
    sinks: Sequence[Sink],
    turn_of: Mapping[int, int],
) -> list[ValueLink]:
    """Links from outputs to the arguments that hold one of their rare values.

    Args:
        view, ids, judge, produced: the run.
        sinks: of the run; only arguments of tool calls are looked at.
        turn_of: tool step to the model call that asked for it.
    """
    wanted: list[tuple[Value, Sink]] = []
    for sink in sinks:
        if view.steps[sink.step].kind is StepKind.TOOL_CALL and sink.side == IN:
            for value in values_of(ids.text[sink.text]):
                wanted.append((value, sink))
    if not wanted:
        return []
    sources = [text for text, places in produced.items() if any(_gives(view, place) for place in places)]
    places = _Places(judge, sources, {value.text for value, _ in wanted})
    found: list[ValueLink] = []
    linked: dict[int, set[int]] = {}
    for value, sink in wanted:
        link = _link(view, ids, produced, places.of(value.text), value, sink, turn_of)
        steps = linked.setdefault(sink.step, set())
        if link is not None and link.source.step not in steps and len(steps) < MOST_LINKS:
            steps.add(link.source.step)
            found.append(link)
    return found


def values_of(text: str) -> Iterator[Value]:
    """Values worth looking for: long enough, and unlike a plain word."""
    count = 0
    for match in _VALUE.finditer(text[:LONGEST_ARGUMENT]):
        word = match.group()
        if _TELLING.search(word) and len(normalise(word)) >= WIDTH:
            yield Value(word, match.start())
            count += 1
            if count == MOST_VALUES:
                return


def _gives(view: RunView, place: Production) -> bool:
    """Whether a model may have read the text: what tools and code gave off, and the task."""
    kind = view.steps[place.step].kind
    return kind is StepKind.TASK if place.side == IN else kind not in (StepKind.MODEL_CALL, StepKind.TASK)


class _Places:
    """Where values occur in the sources.

    Args:
        judge: gives the normalised forms.
        sources: numbers of the texts to look in.
        values: to look for.
    """

    def __init__(self, judge: Judge, sources: Sequence[int], values: Iterable[str]) -> None:
        self.judge = judge
        self._probes: dict[bytes, int] = {}
        self._of_value = {value: self._probes_of(normalise(value)) for value in sorted(values)}
        which, text, self._positions = find_eights((judge.normal(text).data for text in sources), [*self._probes])
        self._texts = [sources[number] for number in text.tolist()]
        self._ends = [0, *which.searchsorted(range(len(self._probes)), side="right").tolist()]

    def _probes_of(self, data: bytes) -> list[tuple[int, int]]:
        """Number and offset of some runs of the value: its first, its last, and one between."""
        offsets = {0, len(data) - WIDTH, (len(data) - WIDTH) // 2}
        return [(self._probes.setdefault(data[at : at + WIDTH], len(self._probes)), at) for at in sorted(offsets)]

    def of(self, value: str) -> list[tuple[int, int]]:
        """Texts that hold the value, each with the character where it first stands there; none for common values."""
        spans = []
        for number, offset in self._of_value[value]:
            low, high = self._ends[number : number + 2]
            spans.append((high - low, low, high, offset))
        count, low, high, offset = min(spans)
        if count > MOST_HITS:
            return []
        texts: dict[int, int] = {}
        for text, position in zip(self._texts[low:high], self._positions[low:high].tolist()):
            normal = self.judge.normal(text)
            if text in texts or position < offset:
                continue
            start = normal.offset(position - offset)
            if normal.text.startswith(value, start) and delimited(normal.text, start, start + len(value)):
                texts[text] = start
        return list(texts.items())


def _link(
    view: RunView,
    ids: TextIds,
    produced: Mapping[int, Sequence[Production]],
    texts: Sequence[tuple[int, int]],
    value: Value,
    sink: Sink,
    turn_of: Mapping[int, int],
) -> ValueLink | None:
    """The link from the nearest text that holds the value, when not too many do."""
    turn = turn_of.get(sink.step)
    latest = view.begin[turn] if turn is not None else sink.position
    earlier = [
        (place, start)
        for text, start in texts
        for place in produced[text]
        if place.position < latest and _gives(view, place) and may_feed(view, place, sink)
    ]
    owners = {(place.step, place.part, place.side) for place, _ in earlier}
    if not earlier or len(owners) > COMMON:
        return None
    place, start = max(earlier, key=lambda pair: pair[0].position)
    size = len(value.text)
    piece = Piece((start, start + size), (value.start, value.start + size), True)
    shown = value.text if size <= 60 else value.text[:57] + "..."
    among = "nowhere else before" if len(owners) == 1 else f"in {len(owners)} earlier texts"
    share = size / max(len(ids.text[sink.text]), 1)
    relation = Relation(LinkKind.COPIED, (piece,), f"the value {shown!r}, {among}", size, 0.0, share)
    return ValueLink(place, sink, relation)

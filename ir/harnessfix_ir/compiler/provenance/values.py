"""Short values: ids, paths and addresses that a model took from an earlier output into the arguments of a call.

They are too short to leave a fingerprint. Each value is looked for by the hash of its first eight letters and digits in
one pass over all earlier outputs, and every find is verified letter by letter.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harnessfix_ir.compiler.occurrences import IN, Production, Sink, may_feed
from harnessfix_ir.compiler.textids import TextIds
from harnessfix_ir.compiler.view import RunView
from harnessfix_ir.vocabulary import LinkKind, StepKind

from .fingerprints import gram_hashes, pieces_of
from .judging import Judge
from .normal import normalise
from .relation import Piece, Relation, delimited

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROBE = 8
LONGEST_ARGUMENT = 20_000
MOST_VALUES = 48
MOST_LINKS = 3
COMMON = 6
_VALUE = re.compile(r"[A-Za-z0-9][\w./:@#~+-]{6,200}[\w]")
_TELLING = re.compile(r"\d|[/@:]|\w\.\w|_|[a-z][A-Z]|\w-\w")
_TABLE_BITS = 16


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
    wanted: dict[int, list[tuple[Value, Sink]]] = {}
    probes: dict[bytes, int] = {}
    for sink in sinks:
        if view.steps[sink.step].kind is StepKind.TOOL_CALL and sink.side == IN:
            for value in values_of(ids.text[sink.text]):
                probe = normalise(value.text)[:PROBE]
                number = probes.setdefault(probe, len(probes))
                wanted.setdefault(number, []).append((value, sink))
    if not probes:
        return []
    sources = [text for text, places in produced.items() if any(_gives(view, place) for place in places)]
    places = _Places(ids, judge, sources, list(probes))
    found: list[ValueLink] = []
    linked: dict[int, set[int]] = {}
    for number, uses in wanted.items():
        for value, sink in uses:
            link = _link(view, ids, produced, places.of(number, value.text), value, sink, turn_of)
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
        if _TELLING.search(word) and len(normalise(word)) >= PROBE:
            yield Value(word, match.start())
            count += 1
            if count == MOST_VALUES:
                return


def _gives(view: RunView, place: Production) -> bool:
    """Whether a model may have read the text: what tools and code gave off, and the task."""
    kind = view.steps[place.step].kind
    return kind is StepKind.TASK if place.side == IN else kind not in (StepKind.MODEL_CALL, StepKind.TASK)


class _Places:
    """Where the probes occur in the sources: for each probe pairs (text, normalised position)."""

    def __init__(self, ids: TextIds, judge: Judge, sources: Sequence[int], probes: Sequence[bytes]) -> None:
        import numpy as np

        self.ids = ids
        self.judge = judge
        self._found: dict[int, list[tuple[int, int]]] = {}
        hashes = gram_hashes(b"".join(probe.ljust(PROBE) for probe in probes), PROBE)[::PROBE]
        order = np.argsort(hashes)
        table = np.zeros(1 << _TABLE_BITS, dtype=bool)
        table[hashes >> np.uint64(64 - _TABLE_BITS)] = True
        for text, start, codes in pieces_of(sources, [judge.normal(text).data for text in sources], PROBE):
            self._match(text, start, codes, hashes, order, table)

    def _match(self, text: int, start: int, codes: "NDArray[Any]", hashes: Any, order: Any, table: Any) -> None:
        import numpy as np

        maybe = np.flatnonzero(table[codes >> np.uint64(64 - _TABLE_BITS)])
        if not len(maybe):
            return
        at = np.minimum(np.searchsorted(hashes, codes[maybe], sorter=order), len(hashes) - 1)
        sure = hashes[order[at]] == codes[maybe]
        for position, number in zip(maybe[sure].tolist(), order[at[sure]].tolist()):
            self._found.setdefault(number, []).append((text, start + position))

    def of(self, number: int, value: str) -> list[tuple[int, int]]:
        """Texts that hold the value, each with the character where it first stands there."""
        texts: dict[int, int] = {}
        for text, position in self._found.get(number, ()):
            normal = self.judge.normal(text)
            start = normal.offset(position)
            there = text not in texts and normal.text.startswith(value, start)
            if there and delimited(normal.text, start, start + len(value)):
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

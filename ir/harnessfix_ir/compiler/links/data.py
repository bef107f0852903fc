"""Data links: where the text of each message, argument and observation came from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harnessfix_ir.compiler.occurrences import ERROR, OUT, Production, Sink, productions, sinks
from harnessfix_ir.compiler.pairing import Pairing
from harnessfix_ir.compiler.provenance.asked import find_asked
from harnessfix_ir.compiler.provenance.exact import ExactLink, Neighbours, exact_links
from harnessfix_ir.compiler.provenance.matching import Matcher, MatchLink
from harnessfix_ir.compiler.provenance.values import find_values
from harnessfix_ir.compiler.requests import Request
from harnessfix_ir.compiler.textids import TextIds
from harnessfix_ir.compiler.view import RunView
from harnessfix_ir.steps import Span, TraceLink, new_link, new_span
from harnessfix_ir.vocabulary import Evidence, LinkKind

MOST_PIECES = 16


@dataclass(frozen=True)
class DataLinks:
    """Provenance of a run: by equality and by content, and who was expected to feed whom."""

    exact: Sequence[ExactLink]
    matched: Sequence[MatchLink]
    neighbours: Neighbours

    def feeds(self) -> Iterator[tuple[Production, Sink]]:
        """Every pair of a production and a sink that takes text from it."""
        for exact in self.exact:
            yield exact.source, exact.sink
        for match in self.matched:
            yield match.source, match.sink


def find_data(view: RunView, ids: TextIds, requests: Sequence[Request], pairings: Sequence[Pairing]) -> DataLinks:
    """Find the provenance of every sink of a run."""
    produced = productions(view, ids)
    neighbours = Neighbours(view, requests, pairings)
    found = sinks(view, ids, requests)
    exact, left = exact_links(view, ids, found, produced, neighbours)
    matcher = Matcher(view, ids, produced, neighbours)
    matched = matcher.links(left, ((link.source.step, link.sink.step) for link in exact))
    explained = {(link.sink.step, link.sink.side, link.sink.part) for link in matched}
    unexplained = [sink for sink in left if (sink.step, sink.side, sink.part) not in explained]
    matched += find_asked(view, ids, unexplained, pairings)
    known = {(link.source.step, link.sink.step) for link in exact}
    known.update((link.source.step, link.sink.step) for link in matched)
    turn_of = {pairing.tool: pairing.turn for pairing in pairings}
    values = find_values(view, ids, matcher.judge, produced, found, turn_of)
    matched += [
        MatchLink(value.source, value.sink, value.relation, Evidence.HEURISTIC)
        for value in values
        if (value.source.step, value.sink.step) not in known
    ]
    return DataLinks(exact, matched, neighbours)


def data_links(view: RunView, ids: TextIds, found: DataLinks, pairings: Sequence[Pairing]) -> Iterator[TraceLink]:
    """The provenance as links, and a link for every call whose tool step was told apart by other means than text."""
    linked: set[tuple[int, int]] = set()
    for exact in found.exact:
        linked.add((exact.source.step, exact.sink.step))
        yield _exact_link(view, ids, exact)
    for match in found.matched:
        linked.add((match.source.step, match.sink.step))
        yield _match_link(view, ids, match)
    for pairing in pairings:
        if (pairing.turn, pairing.tool) not in linked:
            yield _call_link(view, pairing)


def _exact_link(view: RunView, ids: TextIds, link: ExactLink) -> TraceLink:
    length = len(ids.text[link.sink.text])
    return new_link(
        source=view.steps[link.source.step].id,
        target=view.steps[link.sink.step].id,
        kind=LinkKind.COPIED,
        source_span=_source_span(link.source, 0, length),
        target_span=_sink_span(link.sink, 0, length),
        evidence=link.evidence,
        detail="its error message" if link.source.side == ERROR else "whole",
    )


def _match_link(view: RunView, ids: TextIds, link: MatchLink) -> TraceLink:
    start, end = link.relation.source
    low, high = link.relation.sink
    detail = link.relation.detail
    return new_link(
        source=view.steps[link.source.step].id,
        target=view.steps[link.sink.step].id,
        kind=link.relation.kind,
        source_span=_source_span(link.source, start, end),
        target_span=_sink_span(link.sink, low, high),
        pieces=_pieces(link),
        evidence=link.evidence,
        detail=f"its error message: {detail}" if link.source.side == ERROR else detail,
    )


def _source_span(source: Production, start: int, end: int) -> Span | None:
    """A span of the source; error messages are no parts and have none."""
    return None if source.side == ERROR else new_span(side=source.side, part=source.part, start=start, end=end)


def _sink_span(sink: Sink, start: int, end: int) -> Span:
    return new_span(side=sink.side, part=sink.part, start=start, end=end)


def _pieces(link: MatchLink) -> tuple[tuple[Span, Span], ...]:
    """The stretches of a match, when there is more than one and few enough to be worth a line."""
    pieces = link.relation.pieces
    if not 1 < len(pieces) <= MOST_PIECES or link.source.side == ERROR:
        return ()
    return tuple(
        (
            new_span(side=link.source.side, part=link.source.part, start=p.source[0], end=p.source[1]),
            _sink_span(link.sink, *p.sink),
        )
        for p in pieces
    )


def _call_link(view: RunView, pairing: Pairing) -> TraceLink:
    turn, tool = view.steps[pairing.turn], view.steps[pairing.tool]
    return new_link(
        source=turn.id,
        target=tool.id,
        kind=LinkKind.TRANSFORMED,
        source_span=new_span(side=OUT, part=pairing.part, start=0, end=len(view.texts[turn.output[pairing.part].text])),
        evidence=Evidence.HEURISTIC if pairing.evidence is Evidence.HEURISTIC else Evidence.DERIVED,
        detail="the call that this step ran; its arguments were recorded in another form",
    )

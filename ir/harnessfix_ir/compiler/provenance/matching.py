"""Provenance of sinks that equal no earlier text: shared fingerprints, verified and extended to character ranges."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harnessfix_ir.compiler.occurrences import IN, Production, Sink, may_feed
from harnessfix_ir.compiler.textids import TextIds
from harnessfix_ir.compiler.view import RunView
from harnessfix_ir.vocabulary import Evidence

from .exact import Neighbours
from .fingerprints import WINDOW, K, Prints, fingerprint
from .joining import Candidate, join
from .judging import Judge, is_close
from .normal import normalise
from .relation import Range, Relation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_EXPECTED = 64
MOST_PLACES = 64
NEAR_TEXTS = 16
MOST_RANGES = 32
LEAST_CANDIDATES = 8
PER_CANDIDATE = 500
FAVOUR = 1.15


@dataclass(frozen=True)
class MatchLink:
    """A sink, the production that part of its text comes from, and how."""

    source: Production
    sink: Sink
    relation: Relation
    evidence: Evidence


class Matcher:
    """Finds what the sinks left by exact provenance were made of.

    Args:
        view, ids: the run.
        produced: productions by text.
        neighbours: where each sink is expected to come from.
    """

    def __init__(
        self, view: RunView, ids: TextIds, produced: Mapping[int, Sequence[Production]], neighbours: Neighbours
    ) -> None:
        self.view = view
        self.ids = ids
        self.produced = produced
        self.neighbours = neighbours
        self.judge = Judge(view, ids)
        self._texts_of: dict[int, list[int]] = {}
        for text, places in produced.items():
            for place in places:
                if place.side != IN:
                    self._texts_of.setdefault(place.step, []).append(text)

    def links(self, left: Sequence[Sink], taken: Iterable[tuple[int, int]]) -> list[MatchLink]:
        """Links of the sinks that are left; `taken` are pairs (source step, sink step) that are linked already."""
        first_of: dict[int, Sink] = {}
        for sink in left:
            first_of.setdefault(sink.text, sink)
        candidates: dict[int, list[Candidate]] = {}
        for candidate in self._candidates(list(first_of.values())):
            candidates.setdefault(candidate.sink, []).append(candidate)
        linked = set(taken)
        found: list[MatchLink] = []
        for sink in left:
            claims = self._claims(sink, candidates.get(sink.text, ()), linked)
            found.extend(claims)
            linked.update((claim.source.step, claim.sink.step) for claim in claims)
        return found

    def _candidates(self, firsts: Sequence[Sink]) -> Iterator[Candidate]:
        import numpy as np

        sinks = [sink for sink in firsts if len(self.ids.text[sink.text]) >= K]
        sources = [text for text in self.produced if len(self.ids.text[text]) >= K]
        if not sinks or not sources:
            return
        size = len(self.ids.text)
        source_rank, sink_rank = np.zeros(size, np.int64), np.zeros(size, np.int64)
        for text in sources:
            source_rank[text] = self.produced[text][0].position
        for sink in sinks:
            sink_rank[sink.text] = sink.position
        wanted = {sink.text for sink in sinks}
        prints = self._prints([*wanted, *(text for text in sources if text not in wanted)])
        is_sink, is_source = np.zeros(size, bool), np.zeros(size, bool)
        is_sink[list(wanted)] = True
        is_source[sources] = True
        yield from join(
            _select(prints, is_source[prints.text]), _select(prints, is_sink[prints.text]), source_rank, sink_rank
        )

    def _prints(self, texts: Sequence[int]) -> Prints:
        return fingerprint(texts, [self.judge.normal(text).data for text in texts])

    def _claims(self, sink: Sink, candidates: Sequence[Candidate], linked: set[tuple[int, int]]) -> list[MatchLink]:
        """The links of one sink: its characters are given to the source that explains most of them."""
        known: dict[int, Relation] = {}
        offers = list(self._found_offers(sink, candidates, known))
        offers += self._expected_offers(sink, linked, known)
        if len(offers) > 1:
            near = {step for step, _ in self.neighbours.expected(sink)}

            def worth(offer: MatchLink) -> tuple[bool, float, int]:
                favour = FAVOUR if offer.source.step in near else 1.0
                return self.judge.wraps(offer.source), -favour * _explained(offer.relation), -offer.source.position

            offers.sort(key=worth)
        claimed: list[Range] = []
        accepted = []
        seen: set[int] = set()
        for offer in offers:
            ranges = _ranges(offer.relation)
            if offer.source.step in seen or _overlap(ranges, claimed) > 0.5:
                continue
            seen.add(offer.source.step)
            claimed = _merged([*claimed, *ranges])
            accepted.append(offer)
        return accepted

    def _found_offers(
        self, sink: Sink, candidates: Sequence[Candidate], known: dict[int, Relation]
    ) -> Iterator[MatchLink]:
        """Offers from texts that share fingerprints; `known` is given every relation, good enough or not."""
        fresh_from = sink.fresh_from
        start = len(normalise(self.ids.text[sink.text][:fresh_from])) if fresh_from and candidates else 0
        most = LEAST_CANDIDATES + len(self.ids.text[sink.text]) // PER_CANDIDATE
        for candidate in sorted(candidates, key=lambda c: -len(c.seeds))[:most]:
            if not candidate.rare and len(candidate.seeds) * 2 * WINDOW < len(self.judge.normal(candidate.source).data):
                continue
            place = self._nearest(candidate.source, sink)
            relation = self.judge.of_candidate(candidate, place, sink, start) if place is not None else None
            if place is None or relation is None:
                continue
            known[candidate.source] = relation
            if self.judge.enough(relation, candidate.rare, place, sink):
                yield MatchLink(place, sink, relation, Evidence.DERIVED)

    def _expected_offers(
        self, sink: Sink, linked: set[tuple[int, int]], known: Mapping[int, Relation]
    ) -> Iterator[MatchLink]:
        """Offers from the steps that the sink should come from."""
        for step, evidence in self.neighbours.expected(sink)[:MOST_EXPECTED]:
            if evidence is Evidence.HEURISTIC and (step, sink.step) in linked:
                continue
            for text in self._texts_of.get(step, ())[:NEAR_TEXTS]:
                place = self._nearest(text, sink, step)
                if place is None:
                    continue
                relation = known.get(text)
                if relation is None or not is_close(relation):
                    relation = self.judge.of_expected(text, place, sink)
                if relation is not None:
                    rung = Evidence.DERIVED if evidence is Evidence.OBSERVED else evidence
                    yield MatchLink(place, sink, relation, rung)

    def _nearest(self, text: int, sink: Sink, step: int | None = None) -> Production | None:
        """The last production of the text that may feed the sink, of that step when one is given."""
        for place in reversed(self.produced[text][-MOST_PLACES:]):
            if (step is None or place.step == step) and may_feed(self.view, place, sink):
                return place
        return None


def _select(prints: Prints, chosen: "NDArray[np.bool_]") -> Prints:
    return Prints(prints.hash[chosen], prints.text[chosen], prints.position[chosen])


def _explained(relation: Relation) -> int:
    return sum(piece.sink[1] - piece.sink[0] for piece in relation.pieces)


def _ranges(relation: Relation) -> list[Range]:
    """The sink ranges of a relation; from first to last when there are many."""
    if len(relation.pieces) > MOST_RANGES:
        return [relation.sink]
    return [piece.sink for piece in relation.pieces]


def _overlap(ranges: Sequence[Range], claimed: Sequence[Range]) -> float:
    """Share of the ranges' characters that are claimed; `claimed` is sorted and disjoint."""
    if not claimed:
        return 0.0
    total = sum(end - start for start, end in ranges) or 1
    taken = 0
    for start, end in ranges:
        for low, high in claimed:
            if low >= end:
                break
            taken += max(0, min(end, high) - max(start, low))
    return taken / total


def _merged(ranges: Iterable[Range]) -> list[Range]:
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged

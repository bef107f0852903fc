"""Provenance of sinks that equal no earlier text: shared fingerprints, verified and extended to character ranges."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from harnessfix_ir.compiler.occurrences import IN, Production, Sink, may_feed
from harnessfix_ir.compiler.textids import TextIds
from harnessfix_ir.compiler.view import RunView
from harnessfix_ir.vocabulary import Evidence

from .exact import Neighbours
from .fingerprints import WINDOW, K
from .joining import BLOCK, Candidate, SourceIndex
from .judging import Judge, is_close
from .normal import Normal, normalise
from .ranges import Ranges
from .relation import Piece, Relation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_EXPECTED = 64
MOST_PLACES = 64
NEAR_TEXTS = 16
LEAST_CANDIDATES = 8
PER_CANDIDATE = 500
# By how much more than another text one explains that is due here, or that is named by the call's own id.
FAVOUR, NAMED = 1.15, 2.0


class MatchLink(NamedTuple):
    """A sink, the production that part of its text comes from, and how."""

    source: Production
    sink: Sink
    relation: Relation
    evidence: Evidence


class _Offer(NamedTuple):
    """A link that a sink may get; `good` when it is enough by itself."""

    link: MatchLink
    candidate: Candidate | None
    good: bool


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
        linked = set(taken)
        found: list[MatchLink] = []
        plain = [self._of_named(sink) for sink in left]
        others = self._with_candidates([sink for sink, link in zip(left, plain) if link is None])
        for link in plain:
            claims = [link] if link is not None else self._claims(*next(others), linked)
            found.extend(claims)
            linked.update((claim.source.step, claim.sink.step) for claim in claims)
        return found

    def _of_named(self, sink: Sink) -> MatchLink | None:
        """The link of a sink that is made of the text of the one step that its call id names, and little else."""
        expected = self.neighbours.expected(sink)
        if len(expected) != 1 or expected[0][1] is not Evidence.OBSERVED or sink.fresh_from:
            return None
        texts = self._texts_of.get(expected[0][0], [])
        place = self._nearest(texts[0], sink, expected[0][0]) if len(texts) == 1 else None
        if place is None or self.judge.wraps(place):
            return None
        relation = self.judge.of_named(texts[0], place, sink)
        return None if relation is None else MatchLink(place, sink, relation, Evidence.DERIVED)

    def _with_candidates(self, left: Sequence[Sink]) -> Iterator[tuple[Sink, Sequence[Candidate]]]:
        """The sinks in order, each with the texts that share fingerprints with it.

        Candidates are found for some sinks at once and kept as long as another sink of the same text comes.
        """
        sources = self._index(max((sink.position for sink in left), default=0))
        to_come = Counter(sink.text for sink in left)
        known: dict[int, list[Candidate]] = {}
        for block in _blocks(left, self.ids):
            firsts: dict[int, int] = {}
            for sink in block:
                if sink.text not in known and len(self.ids.text[sink.text]) >= K:
                    firsts.setdefault(sink.text, sink.position)
            normalised = (self.judge.normal(text).data for text in firsts)
            for candidate in sources.candidates(list(firsts), list(firsts.values()), normalised):
                known.setdefault(candidate.sink, []).append(candidate)
            for sink in block:
                yield sink, known.get(sink.text, ())
                to_come[sink.text] -= 1
                if not to_come[sink.text]:
                    known.pop(sink.text, None)

    def _index(self, end: int) -> SourceIndex:
        """The texts that were given off before a position."""
        sources = [
            text for text, places in self.produced.items() if places[0].position < end and len(self.ids.text[text]) >= K
        ]
        sources.sort(key=lambda text: self.produced[text][0].position)
        ranks = [self.produced[text][0].position for text in sources]
        return SourceIndex(sources, ranks, (self.judge.normal(text).data for text in sources))

    def _claims(self, sink: Sink, candidates: Sequence[Candidate], linked: set[tuple[int, int]]) -> list[MatchLink]:
        """The links of one sink: its characters are given to the source that explains most of them."""
        fresh_from = sink.fresh_from
        start = len(normalise(self.ids.text[sink.text][:fresh_from])) if fresh_from else 0
        offers = list(self._found_offers(sink, candidates, start))
        offers += self._expected_offers(sink, linked, offers, start)
        offers = [offer for offer in offers if offer.good]
        if len(offers) > 1:
            near = dict(reversed(self.neighbours.expected(sink)))
            offers.sort(key=lambda offer: self._worth(offer.link, near))
        claimed = Ranges()
        accepted: dict[int, MatchLink] = {}
        again: list[_Offer] = []
        for offer in offers:
            self._claim(offer, claimed, accepted, again)
        for offer in again:
            if offer.link.source.step not in accepted:
                rest = self._in_the_rest(offer, claimed, start)
                if rest is not None:
                    self._claim(rest, claimed, accepted, [])
        return list(accepted.values())

    def _worth(self, link: MatchLink, near: Mapping[int, Evidence]) -> tuple[bool, float, int]:
        """Sort key: steps that only stand around others last, then by characters explained, those due favoured."""
        known = near.get(link.source.step)
        favour = 1.0 if known is None else NAMED if known is Evidence.OBSERVED else FAVOUR
        return self.judge.wraps(link.source), -favour * _explained(link.relation), -link.source.position

    def _claim(self, offer: "_Offer", claimed: Ranges, accepted: dict[int, MatchLink], again: list["_Offer"]) -> None:
        link = offer.link
        ranges = [piece.sink for piece in link.relation.pieces]
        if link.source.step in accepted:
            return
        if claimed.share(ranges) > 0.5:
            again.append(offer)
            return
        claimed.add(ranges)
        accepted[link.source.step] = link

    def _in_the_rest(self, offer: "_Offer", claimed: Ranges, start: int) -> "_Offer | None":
        """The offer that the same text makes for what is not claimed yet, when it is still good enough."""
        candidate, link = offer.candidate, offer.link
        if candidate is None:
            return None
        # Of a long text that repeats itself there are millions.
        free = ~claimed.taken(self.judge.normal(link.sink.text).offsets()[candidate.seeds[:, 1]])
        if free.all() or not free.any():
            return None
        rest = candidate._replace(seeds=candidate.seeds[free])
        relation = self.judge.of_candidate(rest, link.source, link.sink, start)
        if relation is None or not self.judge.enough(relation, rest.rare, link.source, link.sink):
            return None
        return _Offer(link._replace(relation=relation), rest, True)

    def _found_offers(self, sink: Sink, candidates: Sequence[Candidate], start: int) -> Iterator["_Offer"]:
        """Offers from texts that share fingerprints, good enough or not.

        One is not looked at, named or not, when all that it shares lies in what another text explains by far better.
        """
        if start:
            candidates = [c for c in (c.after(start) for c in candidates) if len(c.seeds)]
        most = LEAST_CANDIDATES + len(self.ids.text[sink.text]) // PER_CANDIDATE
        best = _Best(self.judge.normal(sink.text))
        for candidate in sorted(candidates, key=lambda c: -len(c.seeds))[:most]:
            if best.holds(candidate):
                continue
            if not candidate.rare and len(candidate.seeds) * 2 * WINDOW < len(self.judge.normal(candidate.source).data):
                continue
            place = self._nearest(candidate.source, sink)
            relation = self.judge.of_candidate(candidate, place, sink, start) if place is not None else None
            if place is not None and relation is not None:
                good = self.judge.enough(relation, candidate.rare, place, sink)
                if good:
                    best.take(relation)
                yield _Offer(MatchLink(place, sink, relation, Evidence.DERIVED), candidate, good)

    def _expected_offers(
        self, sink: Sink, linked: set[tuple[int, int]], found: Iterable["_Offer"], start: int
    ) -> list["_Offer"]:
        """Offers from the steps that the sink should come from."""
        known = {offer.candidate.source: offer for offer in found if offer.candidate is not None}
        offers = []
        for step, evidence in self.neighbours.expected(sink)[:MOST_EXPECTED]:
            if evidence is Evidence.HEURISTIC and (step, sink.step) in linked:
                continue
            for text in self._texts_of.get(step, ())[:NEAR_TEXTS]:
                place = self._nearest(text, sink, step)
                if place is None:
                    continue
                other = known.get(text)
                relation = other.link.relation if other is not None and is_close(other.link.relation) else None
                relation = relation or self.judge.of_expected(text, place, sink, start)
                if relation is not None:
                    rung = Evidence.DERIVED if evidence is Evidence.OBSERVED else evidence
                    candidate = other.candidate if other is not None else None
                    offers.append(_Offer(MatchLink(place, sink, relation, rung), candidate, True))
        return offers

    def _nearest(self, text: int, sink: Sink, step: int | None = None) -> Production | None:
        """The last production of the text that may feed the sink, of that step when one is given."""
        for place in reversed(self.produced[text][-MOST_PLACES:]):
            if (step is None or place.step == step) and may_feed(self.view, place, sink):
                return place
        return None


class _Best:
    """What of a sink the text explains that explains most of it.

    Args:
        sink: its text.
    """

    def __init__(self, sink: Normal) -> None:
        self._sink = sink
        self._explained = 0
        self._pieces: tuple[Piece, ...] = ()
        self._taken: NDArray[np.bool_] | None = None  # for each normalised byte of the sink; made when it is asked for

    def take(self, relation: Relation) -> None:
        """One more text, kept if it explains more."""
        explained = _explained(relation)
        if explained > self._explained:
            self._explained, self._pieces, self._taken = explained, relation.pieces, None

    def holds(self, candidate: Candidate) -> bool:
        """Whether all that a candidate shares lies in what is explained, by far better."""
        if self._explained < NAMED * 2 * WINDOW * max(len(candidate.seeds), 1):
            return False
        if self._taken is None:
            ranges = Ranges()
            ranges.add(piece.sink for piece in self._pieces)
            self._taken = ranges.taken(self._sink.offsets())
        return bool(self._taken[candidate.seeds[:, 1]].all())


def _blocks(sinks: Sequence[Sink], ids: TextIds) -> Iterator[list[Sink]]:
    """The sinks in order, some at a time: about `BLOCK` characters of text, however often each is used."""
    block: list[Sink] = []
    seen: set[int] = set()
    size = 0
    for sink in sinks:
        block.append(sink)
        if sink.text not in seen:
            seen.add(sink.text)
            size += len(ids.text[sink.text])
        if size >= BLOCK:
            yield block
            block, size = [], 0
            seen.clear()
    if block:
        yield block


def _explained(relation: Relation) -> int:
    return sum(piece.sink[1] - piece.sink[0] for piece in relation.pieces)

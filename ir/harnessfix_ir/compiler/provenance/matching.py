"""Provenance of sinks that equal no earlier text: shared fingerprints, verified and extended to character ranges."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harnessfix_ir.compiler.occurrences import OUT, Production, Sink, may_feed, part_of
from harnessfix_ir.compiler.textids import TextIds
from harnessfix_ir.compiler.view import RunView
from harnessfix_ir.vocabulary import Evidence, LinkKind, StepKind

from .alignment import LOCAL_K, extend_seeds, local_seeds
from .exact import Neighbours
from .fingerprints import K, Prints, fingerprint
from .joining import Candidate, join
from .normal import Normal
from .relation import Range, Relation, delimited, relate, reserialised, whole_copy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST_RUN = 31
LEAST_SHARE = 0.08
MOST_EXPECTED = 64
NEAR_TEXTS = 16


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
        self._normals: dict[int, Normal] = {}
        self._texts_of: dict[int, list[int]] = {}
        for text, places in produced.items():
            for place in places:
                if place.side != "in":
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

    def normal(self, text: int) -> Normal:
        """The normalised form of a text, made once."""
        known = self._normals.get(text)
        if known is None:
            known = self._normals[text] = Normal(self.ids.text[text])
        return known

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
        return fingerprint(texts, [self.normal(text).data for text in texts])

    def _claims(self, sink: Sink, candidates: Sequence[Candidate], linked: set[tuple[int, int]]) -> list[MatchLink]:
        """The links of one sink: its characters are given to the source that explains most of them."""
        offers = [*self._expected_offers(sink, linked), *self._found_offers(sink, candidates)]
        offers.sort(key=lambda offer: (-_explained(offer.relation), -offer.source.position))
        claimed: list[Range] = []
        accepted = []
        seen: set[int] = set()
        for offer in offers:
            ranges = [piece.sink for piece in offer.relation.pieces]
            if offer.source.step in seen or _overlap(ranges, claimed) > 0.5:
                continue
            seen.add(offer.source.step)
            claimed = _merged([*claimed, *ranges])
            accepted.append(offer)
        return accepted

    def _expected_offers(self, sink: Sink, linked: set[tuple[int, int]]) -> Iterator[MatchLink]:
        """Offers from the steps that the sink should come from; there even short texts count."""
        for step, evidence in self.neighbours.expected(sink)[:MOST_EXPECTED]:
            if evidence is Evidence.HEURISTIC and (step, sink.step) in linked:
                continue
            for text in self._texts_of.get(step, ())[:NEAR_TEXTS]:
                place = self._nearest(text, sink, step)
                relation = self._close_relation(text, sink, place) if place else None
                if place and relation:
                    rung = Evidence.DERIVED if evidence is Evidence.OBSERVED else evidence
                    yield MatchLink(place, sink, relation, rung)

    def _close_relation(self, text: int, sink: Sink, place: Production) -> Relation | None:
        source, target = self.normal(text), self.normal(sink.text)
        words = source.text.strip()
        at = target.text.find(words, sink.fresh_from) if words else -1
        if at >= 0 and (len(words) > 3 or delimited(target.text, at, at + len(words))):
            lead = len(source.text) - len(source.text.lstrip())
            return whole_copy(source, target, at - lead)
        if min(len(source.data), len(target.data)) < LOCAL_K:
            return None
        record = reserialised(source, target)
        if record is not None:
            return record
        runs = extend_seeds(source.data, target.data, local_seeds(source.data, target.data), LOCAL_K)
        relation = relate(source, target, runs, self._cuttable(place, sink))
        if relation is None or max(relation.source_share, relation.sink_share) < 0.5:
            return None
        return relation

    def _found_offers(self, sink: Sink, candidates: Sequence[Candidate]) -> Iterator[MatchLink]:
        target = self.normal(sink.text)
        start = len(Normal(target.text[: sink.fresh_from]).data) if sink.fresh_from else 0
        for candidate in candidates:
            place = self._nearest(candidate.source, sink)
            if place is None:
                continue
            source = self.normal(candidate.source)
            runs = extend_seeds(source.data, target.data, candidate.seeds, K, start)
            relation = relate(source, target, runs, self._cuttable(place, sink))
            if relation is not None and self._enough(relation, candidate, place, sink):
                yield MatchLink(place, sink, relation, Evidence.DERIVED)

    def _nearest(self, text: int, sink: Sink, step: int | None = None) -> Production | None:
        usable = (
            place
            for place in reversed(self.produced[text][-64:])
            if (step is None or place.step == step) and may_feed(self.view, place, sink)
        )
        return next(usable, None)

    def _enough(self, relation: Relation, candidate: Candidate, place: Production, sink: Sink) -> bool:
        """Whether what is shared is too much, and too rare, to be chance or boilerplate."""
        whole = relation.source_share >= 0.95
        if relation.kept < (K if whole else LEAST_RUN):
            return False
        if not whole and not candidate.rare:
            return False
        if not whole and sink.side == OUT and self._alike(place.step, sink.step):
            return False
        if max(relation.source_share, relation.sink_share) < LEAST_SHARE and relation.kept < 200:
            return False
        if relation.kind is LinkKind.TRANSFORMED and relation.kept < 2 * LEAST_RUN:
            return relation.source_share >= 0.5
        return True

    def _alike(self, first: int, second: int) -> bool:
        a, b = self.view.steps[first], self.view.steps[second]
        return a.kind is b.kind and a.name == b.name

    def _cuttable(self, place: Production, sink: Sink) -> bool:
        """Whether code, not a model, decided what of the source goes into the sink."""
        step, made_by = self.view.steps[sink.step], self.view.steps[place.step].kind
        if step.kind is StepKind.TOOL_CALL and sink.side == "in":
            return False
        if made_by is StepKind.MODEL_CALL:
            role = part_of(step, sink).role
            return (step.kind is StepKind.MODEL_CALL and role == "assistant") or step.kind in (
                StepKind.SUBMIT,
                StepKind.TASK,
                StepKind.HANDOFF,
            )
        return step.kind is not StepKind.MODEL_CALL or part_of(step, sink).role != "assistant"


def _select(prints: Prints, chosen: "NDArray[np.bool_]") -> Prints:
    return Prints(prints.hash[chosen], prints.text[chosen], prints.position[chosen])


def _explained(relation: Relation) -> int:
    return sum(piece.sink[1] - piece.sink[0] for piece in relation.pieces)


def _overlap(ranges: Sequence[Range], claimed: Sequence[Range]) -> float:
    """Share of the ranges' characters that are claimed; `claimed` is sorted and disjoint."""
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

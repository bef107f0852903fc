"""Judging a pair of texts: how the sink relates to the source, and whether that is more than chance."""

from collections import OrderedDict
from collections.abc import Sequence

from harnessfix_ir.compiler.occurrences import IN, OUT, Production, Sink, part_of
from harnessfix_ir.compiler.textids import TextIds
from harnessfix_ir.compiler.view import RunView
from harnessfix_ir.vocabulary import LinkKind, StepKind

from .alignment import LOCAL_K, Run, extend_seeds, local_seeds
from .fingerprints import SURE_TO_MATCH, K
from .joining import Candidate
from .named import answer_of
from .normal import Normal
from .relation import Relation, delimited, relate, reserialised, whole_copy
from .unwrap import relate_value, value_in

LEAST_SHARE = 0.08
CLOSE_SHARE = 0.5
PLAIN_CUT = 24
MOST_SHARE = 0.8
WHOLE = 0.95
MUCH = 200
# A normalised text with its way back takes five to six bytes for a character.
HELD_SHARE, LEAST_HELD = 16, 1 << 15


class Judge:
    """Decides how pairs of texts relate.

    Args:
        view, ids: the run.
    """

    def __init__(self, view: RunView, ids: TextIds) -> None:
        self.view = view
        self.ids = ids
        self._normals: OrderedDict[int, Normal] = OrderedDict()
        self._held = 0
        self._most_held = max(sum(map(len, ids.text)) // HELD_SHARE, LEAST_HELD)

    def normal(self, text: int) -> Normal:
        """The normalised form of a text; those asked for last are held, for some share of the run's characters."""
        known = self._normals.get(text)
        if known is not None:
            self._normals.move_to_end(text)
            return known
        known = self._normals[text] = Normal(self.ids.text[text])
        self._held += len(known.text)
        while self._held > self._most_held and len(self._normals) > 2:  # a source and a sink
            self._held -= len(self._normals.popitem(last=False)[1].text)
        return known

    def of_candidate(self, candidate: Candidate, place: Production, sink: Sink, start: int) -> Relation | None:
        """The relation of two texts that share fingerprints, whether or not it is enough to be believed.

        Args:
            candidate: the source text and the seeds.
            place, sink: where the two texts stand.
            start: normalised bytes of the sink that the request before held already.
        """
        source, target = self.normal(candidate.source), self.normal(sink.text)
        runs = extend_seeds(source.data, target.data, candidate.seeds.tolist(), K, start)
        return self._relation(source, target, runs, place, sink)

    def of_expected(self, text: int, place: Production, sink: Sink, start: int) -> Relation | None:
        """The relation of two texts that should belong together: here even short ones count.

        Args:
            text: number of the source text.
            place, sink: where the two texts stand.
            start: normalised bytes of the sink that the request before held already.
        """
        source, target = self.normal(text), self.normal(sink.text)
        words = source.text.strip()
        at = target.text.find(words, sink.fresh_from) if words else -1
        if at >= 0 and (len(words) > 3 or delimited(target.text, at, at + len(words))):
            return whole_copy(source, target, at - (len(source.text) - len(source.text.lstrip())))
        if min(len(source.data), len(target.data)) < LOCAL_K:
            return None
        value = (reserialised(source, target) if not start else None) or value_in(source, target, sink.fresh_from)
        if value is not None:
            return value
        seeds = local_seeds(source.data, target.data, start)
        runs = extend_seeds(source.data, target.data, seeds, LOCAL_K, start)
        relation = self._relation(source, target, runs, place, sink)
        return relation if relation is not None and is_close(relation) else None

    def of_named(self, text: int, place: Production, sink: Sink) -> Relation | None:
        """The relation when an answer holds the text that its call's id names, and little else.

        Args:
            text: number of the source text.
            place, sink: where the two texts stand.
        """
        return answer_of(self.ids.text[text], self.ids.text[sink.text], self._cuttable(place, sink))

    def _relation(
        self, source: Normal, target: Normal, runs: Sequence[Run], place: Production, sink: Sink
    ) -> Relation | None:
        cuttable = self._cuttable(place, sink)
        relation = relate(source, target, runs, cuttable)
        if relation is None or relation.source_share >= WHOLE or relation.plain_cut:
            return relation
        return relate_value(source, target, runs, cuttable) or relation

    def enough(self, relation: Relation, rare: int, place: Production, sink: Sink) -> bool:
        """Whether what is shared is too much, and too rare, to be chance or boilerplate.

        Args:
            relation: between the texts of `place` and `sink`.
            rare: how many of the shared fingerprints few other texts own.
        """
        if sink.side == OUT and self._alike(place.step, sink.step) and not relation.is_whole:
            return False
        if relation.source_share >= WHOLE:
            return relation.kept >= K
        if relation.kept < SURE_TO_MATCH or not rare:
            return False
        share = max(relation.source_share, relation.sink_share)
        if share < LEAST_SHARE and relation.kept < MUCH:
            return False
        partial = relation.kind is LinkKind.TRANSFORMED or relation.is_excerpt
        if partial and relation.kept < 2 * SURE_TO_MATCH:
            return relation.source_share >= CLOSE_SHARE or self._by_model(sink)
        return not (relation.is_middle and relation.kept < MUCH) or share >= CLOSE_SHARE

    def wraps(self, place: Production) -> bool:
        """Whether the step only stands around others: it is a source of last resort."""
        return self.view.steps[place.step].kind is StepKind.LIFECYCLE or place.side == IN

    def _by_model(self, sink: Sink) -> bool:
        """Whether a model wrote the sink: it quotes what it needs, and code does not."""
        return self.view.steps[sink.step].kind is StepKind.TOOL_CALL and sink.side == IN

    def _alike(self, first: int, second: int) -> bool:
        """Whether two steps are runs of the same code, whose outputs share the words of its templates."""
        a, b = self.view.steps[first], self.view.steps[second]
        return a.kind is b.kind and a.name == b.name

    def _cuttable(self, place: Production, sink: Sink) -> bool:
        """Whether code, not a model, decided what of the source goes into the sink."""
        step, made_by = self.view.steps[sink.step], self.view.steps[place.step].kind
        if self._by_model(sink) or (place.side == IN and made_by not in (StepKind.TASK, StepKind.HANDOFF)):
            return False
        if made_by is StepKind.MODEL_CALL:
            role = part_of(step, sink).role
            handed_on = step.kind in (StepKind.SUBMIT, StepKind.TASK, StepKind.HANDOFF)
            return handed_on or (step.kind is StepKind.MODEL_CALL and role == "assistant")
        return step.kind is not StepKind.MODEL_CALL or part_of(step, sink).role != "assistant"


def is_close(relation: Relation) -> bool:
    """Whether at least half of either text is in the other, or an end of the source at least, letter for letter."""
    if relation.kept < PLAIN_CUT:
        return relation.source_share >= MOST_SHARE
    return relation.plain_cut or max(relation.source_share, relation.sink_share) >= CLOSE_SHARE

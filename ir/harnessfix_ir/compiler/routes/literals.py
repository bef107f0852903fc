"""Wording: from the texts of a run to the prompts, message templates and configuration values that worded them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element
from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, Evidence, Route, StepKind

from .wording import Wording, WordingIndex

MOST_PER_TEXT = 4
LONG_ENOUGH = 40


class LiteralRoute:
    """Finds what worded the texts of one run.

    Several files often hold the same template; those are preferred that word more of the run.

    Args:
        index: of the harness.
        texts: digest to text.
    """

    def __init__(self, index: WordingIndex, texts: Mapping[str, str]) -> None:
        self.index = index
        self.texts = texts
        self._known: dict[str, list[Wording]] = {}
        self._votes: Counter[str] = Counter()

    def vote(self, step: TraceStep, fresh: Sequence[int] | None) -> None:
        """Let a step's texts speak for the files that may have worded them; each text has one voice."""
        for part, _ in _parts(step, fresh):
            if part.text not in self._known:
                found = self._wordings(part.text)
                for wording in found:
                    if wording.quality == found[0].quality:
                        self._votes[wording.element.anchor.path] += 1

    def anchors(self, step: TraceStep, fresh: Sequence[int] | None) -> Iterator[Anchor]:
        """Anchors of the step's texts: what it was given for model calls, what it gave off for the others.

        Args:
            step: the step; all steps must have voted.
            fresh: numbers of the input parts that are new in this request; all when None.
        """
        if step.error is not None and step.error.message:
            for wording in self.index.look_up(step.error.message)[:MOST_PER_TEXT]:
                if _raises(wording.element, step.error.type):
                    yield _tied(wording, "the message of its error")
        found = [(what, self._ranked(part.text)) for part, what in _parts(step, fresh)]
        for rank in range(MOST_PER_TEXT):
            for what, wordings in found:
                if rank < len(wordings):
                    yield _tied(wordings[rank], what)

    def _ranked(self, digest: str) -> list[Wording]:
        return sorted(self._wordings(digest), key=lambda w: (w.quality, -self._votes[w.element.anchor.path]))

    def _wordings(self, digest: str) -> list[Wording]:
        known = self._known.get(digest)
        if known is None:
            known = self._known[digest] = self.index.look_up(self.texts.get(digest, ""))
        return known


def _parts(step: TraceStep, fresh: Sequence[int] | None) -> Iterator[tuple[Part, str]]:
    if step.kind is StepKind.MODEL_CALL:
        numbers = range(len(step.input)) if fresh is None else fresh
        for number in numbers:
            part = step.input[number]
            if part.role != "assistant":
                yield part, f"input part {number} ({part.role})"
    elif step.kind not in (StepKind.TASK, StepKind.RETRIEVAL):
        for number, part in enumerate(step.output):
            yield part, f"output part {number}"


def _raises(element: Element, error_type: str) -> bool:
    """Whether an element may have worded an error of that type."""
    if element.role is not ElementRole.RAISE:
        return True
    raised = element.value("type")
    if not isinstance(raised, str):
        return True
    return raised.rpartition(".")[2] == error_type.rpartition(".")[2]


def _tied(wording: Wording, what: str) -> Anchor:
    match, element = wording.match, wording.element
    in_config = element.role is ElementRole.CONFIG_KEY or element.anchor.kind is AnchorKind.CONFIG_KEY
    if match.drifted:
        evidence, how = Evidence.HEURISTIC, "was worded by another version of"
    elif match.equal and match.constant >= LONG_ENOUGH and wording.ties == 1:
        evidence, how = Evidence.OBSERVED, "is word for word"
    elif match.whole or match.constant >= LONG_ENOUGH:
        evidence, how = Evidence.DERIVED, "was worded by"
    else:
        evidence, how = Evidence.HEURISTIC, "holds the words of"
    sort = "this setting" if in_config else "this message" if element.role is ElementRole.RAISE else "this template"
    if element.role is ElementRole.FUNCTION:
        sort = "this code"
    at = f", at line {wording.line}" if wording.line != element.anchor.start_line else ""
    among = f" (one of {wording.ties} that say the same)" if wording.ties > 1 else ""
    return element.anchor.model_copy(
        update={
            "route": Route.CONFIG_KEY if in_config else Route.LITERAL_MATCH,
            "evidence": evidence,
            "reason": f"{what} {how} {sort}{at}{among}",
            "ties": wording.ties,
        }
    )

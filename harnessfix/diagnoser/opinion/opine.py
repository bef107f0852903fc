"""Opinions on failed runs: asked within a budget, kept by content, and held to what they cite."""

import hashlib
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import ValidationError

from harnessfix.diagnoser.identity import flaw_id
from harnessfix.rules._query import quote
from harnessfix_ir.attribution import Attribution, Cause
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import Evidence, Layer, Severity, Verdict

from .answer import Answer, Claim
from .asking import INSTRUCTIONS, Asker, Budget, NoAnswerError
from .exhibit import Exhibit, exhibit

RULE, NAME = "M001", "model-opinion"
MOST_CONFIDENCE = 0.6  # of anything that a model says
WEIGHT = 0.4  # of its verdict among the causes


class Shelf(Protocol):
    """Where answers are kept."""

    def cached(self, kind: str, key: str) -> bytes | None:
        """What was kept, or None."""
        ...

    def cache(self, kind: str, key: str, value: bytes) -> None:
        """Keep it."""
        ...


@dataclass
class Opinion:
    """What a model says of one run, as far as its citations hold.

    Args:
        diagnoses: its claims; dropped: number of claims that cited what it was not shown.
        cause: its verdict as a cause, None when it was dropped as well.
    """

    diagnoses: list[Diagnosis] = field(default_factory=list)
    dropped: int = 0
    cause: Cause | None = None


class Opinions:
    """Asks one model about runs.

    Args:
        asker: the model.
        budget: for all of them.
        shelf: keeps answers by what was asked; the same question is not paid for twice.
    """

    def __init__(self, asker: Asker, budget: Budget, shelf: Shelf) -> None:
        self._asker, self.budget, self._shelf = asker, budget, shelf

    def on(self, run: Htir, model: HarnessModel, verdict: Attribution) -> Opinion:
        """What the model makes of a failed run. Raises `NoAnswerError` when it was not or could not be asked."""
        shown = exhibit(run, model, verdict)
        return judged(self._answer(shown), shown, run.run.id)

    def _answer(self, shown: Exhibit) -> Answer:
        asked = "\0".join((self._asker.name, INSTRUCTIONS, shown.text))
        key = hashlib.sha256(asked.encode()).hexdigest()[:32]
        held = self._shelf.cached("opinion", key)
        if held is not None:
            try:
                return Answer.model_validate_json(held)
            except ValidationError:
                pass  # kept by another version
        if self.budget.spent:
            raise NoAnswerError("the budget is used up")
        answer = self._asker.ask(shown.text, self.budget)
        self._shelf.cache("opinion", key, answer.model_dump_json().encode())
        return answer


def judged(answer: Answer, shown: Exhibit, run_id: str) -> Opinion:
    """An answer, without what cites steps or code that were not shown."""
    found = Opinion()
    for claim in answer.claims:
        if set(claim.steps) <= shown.steps and set(claim.elements) <= shown.elements.keys():
            found.diagnoses.append(_diagnosis(claim, shown, run_id))
        else:
            found.dropped += 1
    if set(answer.steps) <= shown.steps:
        found.cause = Cause(
            verdict=Verdict(answer.verdict),
            reason=f"{NAME}: {quote(answer.reason, 400)}",
            weight=WEIGHT if answer.verdict != "unknown" else 0.0,
            evidence=Evidence.MODEL,
            step=answer.steps[0],
        )
    else:
        found.dropped += 1
    return found


def _diagnosis(claim: Claim, shown: Exhibit, run_id: str) -> Diagnosis:
    anchors = tuple(shown.elements[name] for name in dict.fromkeys(claim.elements))
    return Diagnosis(
        flaw=flaw_id(RULE, anchors[0], claim.layer),
        rule=RULE,
        name=NAME,
        layer=Layer(claim.layer),
        severity=Severity.INFO,
        run=run_id,
        responsible_step=claim.steps[0],
        symptom_step=claim.steps[-1],
        path=tuple(dict.fromkeys(claim.steps)),
        anchors=anchors,
        message=quote(claim.message, 500),
        confidence=round(min(MOST_CONFIDENCE, claim.confidence), 3),
        evidence=Evidence.MODEL,
        missing=("a rule that shows it",),
    )

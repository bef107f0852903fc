"""When the judgement itself is in doubt: labels that disagree, a check that broke, equal answers judged differently."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from harnessfix.rules._errors import short_type
from harnessfix.rules._signals import is_signal
from harnessfix_ir.attribution import Cause
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import Evidence, Outcome, Status, StepKind, Verdict

from .symptom import Sort, Symptom, symptom_of

NO_JUDGES = ("exit", "exception")  # how a program ended says little about its answer
Labels = Sequence[tuple[Outcome, str]]


def from_labels(labels: Labels) -> Iterator[Cause]:
    """Sources that call one run both passed and failed.

    Args:
        labels: outcome and who said so, of one run.
    """
    said = {by: outcome for outcome, by in labels if outcome is not Outcome.UNKNOWN and by not in NO_JUDGES}
    passed = sorted(by for by, outcome in said.items() if outcome is Outcome.PASSED)
    failed = sorted(by for by, outcome in said.items() if outcome is Outcome.FAILED)
    if passed and failed:
        yield Cause(
            verdict=Verdict.EVALUATOR,
            reason=f"{', '.join(passed)} called this run passed and {', '.join(failed)} called it failed",
            weight=0.5,
            evidence=Evidence.OBSERVED,
        )


def from_checks(run: Htir, symptom: Symptom) -> Iterator[Cause]:
    """A verifier that broke after the answer had been handed in."""
    after = False
    for step in run.steps:
        after = after or step is symptom.step or step.kind is StepKind.SUBMIT
        if after and step.kind is StepKind.VERIFY and step.status is Status.ERROR and step.error is not None:
            if short_type(step.error) == "AssertionError" or is_signal(step.error):
                continue
            yield Cause(
                verdict=Verdict.EVALUATOR,
                reason=f"the check {step.name} ({step.id}) broke with {short_type(step.error)} instead of judging",
                weight=0.7 if symptom.sort is Sort.ANSWER else 0.5,
                evidence=Evidence.OBSERVED,
                step=step.id,
            )


def answer_key(run: Htir) -> str:
    """Equal for two runs of one task that handed in the same and left the same files; empty when nothing is known."""
    symptom = symptom_of(run)
    step = symptom.step
    if not run.run.task or symptom.sort is not Sort.ANSWER or step is None or not (step.input and step.output):
        return ""
    parts = [run.run.task, *(part.text for part in (*step.input, *step.output))]
    for step in run.steps:
        for effect in step.effects:
            if effect.effect != "read" and effect.detail != "connect":
                parts += [effect.effect, effect.resource, *(part.text for part in step.input)]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def from_twin(run: Htir, passed: Iterable[Htir]) -> Cause | None:
    """A passed run of the same task that was shown the same, answered the same and wrote the same."""
    key = answer_key(run)
    twin = next((other for other in passed if key and answer_key(other) == key), None)
    if twin is None:
        return None
    return Cause(
        verdict=Verdict.EVALUATOR,
        reason=f"run {twin.run.id[:8]} of the same task handed in the same, as far as was recorded, and passed",
        weight=0.55,
        evidence=Evidence.DERIVED,
    )

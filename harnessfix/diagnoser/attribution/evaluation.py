"""When the judgement itself is in doubt: labels that disagree, a check that broke, equal answers judged differently."""

import hashlib
from collections.abc import Iterator, Sequence

from harnessfix.rules._errors import short_type
from harnessfix_ir.attribution import Cause
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import Evidence, Outcome, Status, StepKind, Verdict

from .symptom import Sort, Symptom

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
            if short_type(step.error) == "AssertionError":
                continue
            yield Cause(
                verdict=Verdict.EVALUATOR,
                reason=f"the check {step.name} ({step.id}) broke with {short_type(step.error)} instead of judging",
                weight=0.7 if symptom.sort is Sort.ANSWER else 0.5,
                evidence=Evidence.OBSERVED,
                step=step.id,
            )


def answer_key(run: Htir, symptom: Symptom) -> str:
    """Equal for two runs of one task that handed in the same and left the same files; empty when nothing is known."""
    if not run.run.task or symptom.sort is not Sort.ANSWER or symptom.step is None or not symptom.step.output:
        return ""
    parts = [run.run.task, *(part.text for part in (*symptom.step.input, *symptom.step.output))]
    for step in run.steps:
        for effect in step.effects:
            if effect.effect != "read":
                parts += [effect.effect, effect.resource, *(part.text for part in step.input)]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]

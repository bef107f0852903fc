"""Which findings lie on the way to a failure: their steps lead to where the run was seen to fail, or do not."""

from collections.abc import Iterable, Iterator
from functools import cached_property

from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import Outcome, StepKind

from .slicing import Slice, slice_back
from .symptom import Sort, Symptom, symptom_of


class Leading:
    """The walk back from one run's failure, made when it is first asked for.

    Args:
        run: compiled.
    """

    def __init__(self, run: Htir) -> None:
        self._run = run

    @cached_property
    def _back(self) -> Slice | None:
        if self._run.run.outcome is Outcome.PASSED:
            return None
        symptom = symptom_of(self._run)
        if symptom.step is None or not self._shows(symptom):
            return None
        return slice_back(self._run, symptom.step.id)

    def _shows(self, symptom: Symptom) -> bool:
        """Whether the failure was seen there, or only some step had to be the last."""
        if symptom.sort is not Sort.ANSWER:
            return self._run.run.outcome is Outcome.FAILED or symptom.sort is Sort.EXCEPTION
        answered = any(self._run.of_kind(StepKind.SUBMIT, StepKind.MODEL_CALL))
        return self._run.run.outcome is Outcome.FAILED and answered

    def marked(self, diagnoses: Iterable[Diagnosis]) -> Iterator[Diagnosis]:
        """The diagnoses, each with whether a chain of links goes from a step of it to the failure."""
        for found in diagnoses:
            steps = [step for step in (found.symptom_step, found.responsible_step, *found.path) if step is not None]
            if not steps or self._back is None:
                yield found
            else:
                yield found.model_copy(update={"leads": any(self._back.leads(step) for step in steps)})

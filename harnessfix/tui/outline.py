"""The shape of a run for a tree: who is inside whom, and where its errors and flaws are. One pass over the steps."""

from collections.abc import Sequence
from dataclasses import dataclass

from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Status, StepKind


@dataclass
class Inside:
    """How many steps, errors and flaws a step has below it."""

    steps: int = 0
    errors: int = 0
    flaws: int = 0


class Outline:
    """Who is inside whom, and what to look at.

    Args:
        run: compiled. A parent that does not come before its child is not believed.
        diagnoses: of this run.
    """

    def __init__(self, run: Htir, diagnoses: Sequence[Diagnosis] = ()) -> None:
        self.steps = run.steps
        self.position = {step.id: number for number, step in enumerate(run.steps)}
        self._parent: dict[str, str] = {}
        self._children: dict[str | None, list[TraceStep]] = {}
        for number, step in enumerate(run.steps):
            parent = step.parent if self.position.get(step.parent or "", number) < number else None
            if parent is not None:
                self._parent[step.id] = parent
            self._children.setdefault(parent, []).append(step)
        self.blamed: dict[str, list[Diagnosis]] = {}
        self.touched: dict[str, list[Diagnosis]] = {}
        for diagnosis in diagnoses:
            self._note(diagnosis)
        self.inside = self._count()
        self.marks = [step.id for step in run.steps if failed(step) or step.id in self.blamed]

    def _note(self, diagnosis: Diagnosis) -> None:
        if diagnosis.responsible_step in self.position:
            self.blamed.setdefault(diagnosis.responsible_step or "", []).append(diagnosis)
        cited = (diagnosis.responsible_step, *diagnosis.path, diagnosis.symptom_step)
        for step_id in dict.fromkeys(cited):
            if step_id is not None and step_id in self.position:
                self.touched.setdefault(step_id, []).append(diagnosis)

    def _count(self) -> dict[str, Inside]:
        inside: dict[str, Inside] = {}
        for step in reversed(self.steps):
            parent = self._parent.get(step.id)
            if parent is None:
                continue
            own, above = inside.get(step.id, Inside()), inside.setdefault(parent, Inside())
            above.steps += own.steps + 1
            above.errors += own.errors + failed(step)
            above.flaws += own.flaws + len(self.blamed.get(step.id, ()))
        return inside

    def children(self, step_id: str | None) -> Sequence[TraceStep]:
        """Steps directly inside `step_id`; with None those inside none."""
        return self._children.get(step_id, ())

    def parent(self, step_id: str) -> str | None:
        """The step that `step_id` happened inside."""
        return self._parent.get(step_id)

    def ancestors(self, step_id: str) -> list[str]:
        """Steps around `step_id`, outermost first."""
        found = []
        above = self.parent(step_id)
        while above is not None:
            found.append(above)
            above = self.parent(above)
        return found[::-1]

    def next_mark(self, step_id: str | None, direction: int) -> str | None:
        """The next (1) or previous (-1) step with a flaw or an error, going round at the end; None without any."""
        here = self.position.get(step_id or "", -1)
        ordered = self.marks if direction > 0 else self.marks[::-1]
        ahead = (mark for mark in ordered if (self.position[mark] - here) * direction > 0)
        return next(ahead, ordered[0] if ordered else None)


def failed(step: TraceStep) -> bool:
    """Whether a step is to be marked: it ended in an error, did not end, or is an exception."""
    return step.status is not Status.OK or step.kind is StepKind.ERROR


def find(run: Htir, words: str, after: str | None) -> str | None:
    """The next step after `after` (round at the end) that has `words` in its id, kind, name, error, place or texts."""
    needle = words.casefold()
    holding = {key for key, text in run.texts.items() if needle in text.casefold()}

    def matches(step: TraceStep) -> bool:
        error = (step.error.type, step.error.message) if step.error is not None else ()
        said = (step.id, step.kind.value, step.name, *error, *(anchor.place for anchor in step.anchors))
        return any(needle in each.casefold() for each in said) or any(
            part.text in holding for part in (*step.input, *step.output)
        )

    start = next((number + 1 for number, step in enumerate(run.steps) if step.id == after), 0)
    ordered = (*run.steps[start:], *run.steps[:start])
    return next((step.id for step in ordered if matches(step)), None)

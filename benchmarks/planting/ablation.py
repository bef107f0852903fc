"""The same flaws with evidence held back: what the raw trace says, then links, then anchors; the rules come last.

Without rules the answer is the general one: where the failure was noticed, and, with links, the walk back from there to
where something was lost or an error began. It names no cause and no operator.
"""

from collections.abc import Mapping
from dataclasses import replace

from harnessfix.diagnoser.attribution.slicing import slice_back
from harnessfix.diagnoser.attribution.symptom import Sort, symptom_of
from harnessfix.diagnoser.identity import flaw_id
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, Layer, LinkKind, Outcome, Severity, StepKind

from .scores import OBSERVED, Score
from .trial import Trial

STAGES = ("raw trace", "links", "anchors")
NOWHERE = Anchor(path="", qualname="?", start_line=1, end_line=1)
LAYERS: Mapping[StepKind, Layer] = {
    StepKind.TOOL_CALL: Layer.TOOL_INTERFACE,
    StepKind.PARSE: Layer.TOOL_INTERFACE,
    StepKind.MODEL_CALL: Layer.CONTEXT,
    StepKind.CONTEXT_BUILD: Layer.CONTEXT,
    StepKind.RETRIEVAL: Layer.CONTEXT,
    StepKind.MEMORY: Layer.CONTEXT,
    StepKind.GUARD: Layer.GOVERNANCE,
    StepKind.VERIFY: Layer.VERIFICATION,
    StepKind.SUBMIT: Layer.VERIFICATION,
}
"""Where a person would look first; anything else is of the loop."""


def ablated(whole: Score, changed: Trial, stage: str) -> Score:
    """What would be said of a planted flaw without what comes after `stage`."""
    found: dict[str, Diagnosis] = {}
    for task, runs in changed.compiled.items():
        if runs and (changed.exits[task] or not found):
            found[task] = _answer(runs[0], stage)
    failed = next((found[task] for task in found if changed.exits[task]), None)
    return replace(whole, best=failed or next(iter(found.values()), None), found=found, rank=0)


def _answer(run: Htir, stage: str) -> Diagnosis:
    step = _step(run if stage != STAGES[0] else run.model_copy(update={"links": ()}), stage)
    anchor = next((each for each in step.anchors if each.route in OBSERVED), NOWHERE)
    anchor = anchor if stage == "anchors" else NOWHERE
    return Diagnosis(
        flaw=flaw_id(step.name, anchor),
        rule="",
        name=stage,
        layer=LAYERS.get(step.kind, Layer.LIFECYCLE),
        severity=Severity.WARNING,
        run=run.run.id,
        responsible_step=step.id,
        anchors=(anchor,),
        message="",
        confidence=0.5,
        evidence=Evidence.HEURISTIC,
    )


def _step(run: Htir, stage: str) -> TraceStep:
    """The step of the symptom; with links the latest one on the way to it where something went wrong."""
    failed = run.model_copy(update={"run": run.run.model_copy(update={"outcome": Outcome.FAILED})})
    symptom = symptom_of(failed)
    noticed = symptom.step or run.steps[-1]
    if stage == STAGES[0]:
        return noticed
    if symptom.sort is Sort.EXCEPTION and symptom.origin is not None:
        return run.step(symptom.origin.parent) if symptom.origin.parent else symptom.origin
    back = slice_back(run, noticed.id)
    lossy = [link.source for link in run.links if link.kind in (LinkKind.TRUNCATED, LinkKind.OMITTED)]
    wrong = [step for step in run.steps if back.leads(step.id) and (step.id in lossy or step.error is not None)]
    return wrong[-1] if wrong else noticed

"""What the rules found in a run, as causes of its failure."""

import re
from collections.abc import Iterator, Sequence, Set

from harnessfix.rules._query import element_at, events
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.attribution import Cause
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.reached import Reached
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, Evidence, Layer, Route, Severity

from .slicing import Slice
from .symptom import Sort, Symptom

_WORD = re.compile(r"\w+")
SEVERITY = {Severity.ERROR: 1.0, Severity.WARNING: 0.8, Severity.INFO: 0.45}
LAYER = {Layer.OBSERVABILITY: 0.4, Layer.GOVERNANCE: 0.75}
"""A flaw of observability hides a failure more often than it makes one; much of governance is risk, not failure."""
ASIDE = 0.3  # of a finding whose steps do not lead to the symptom
ELSEWHERE = 0.6  # of one that does, though an exception that is another one ended the run
AFTERWARDS = 0.6  # … of one about what was done with that exception once it had been raised
STANDING = 0.5  # of a finding of the source alone in code that this run went through
UNSEEN = 0.2  # … and that a rule looked for in this run and did not find
NAMED = 0.95  # of one that names the setting which ended the run


def from_run(diagnoses: Sequence[Diagnosis], symptom: Symptom, back: Slice | None) -> Iterator[Cause]:
    """Findings of this run: how much each would explain depends on whether its steps lead to the symptom."""
    for found in diagnoses:
        if not found.blames:  # a place to look at explains nothing
            continue
        steps = [step for step in (found.symptom_step, found.responsible_step, *found.path) if step is not None]
        weight = found.confidence * SEVERITY[found.severity] * LAYER.get(found.layer, 1.0)
        leads = back is None or any(back.leads(step) for step in steps)
        if not leads:
            weight *= ASIDE
        elif symptom.sort is Sort.EXCEPTION and symptom.origin is not None and not _tells(found, symptom):
            weight *= ELSEWHERE
        elif symptom.sort is Sort.EXCEPTION and symptom.origin is not None and _after(found, symptom.origin.id):
            weight *= AFTERWARDS
        where = "" if leads else "; nothing in the links leads from it to the failure"
        yield Cause(
            verdict=found.verdict,
            reason=f"{found.rule} {found.name}: {found.message}{where}",
            weight=round(weight, 3),
            evidence=found.evidence,
            step=found.responsible_step,
            flaw=found.flaw,
            rule=found.rule,
            layer=found.layer,
        )


def _tells(found: Diagnosis, symptom: Symptom) -> bool:
    """Whether a finding is about the exception that ended the run."""
    ends = {step.id for step in (symptom.step, symptom.origin) if step is not None}
    return bool(ends & {found.symptom_step, found.responsible_step, *found.path})


def _after(found: Diagnosis, origin: str) -> bool:
    """Whether a finding blames a step that came after the exception had been raised."""
    numbers = [int(step[1:]) for step in (found.responsible_step, origin) if step is not None and step[1:].isdigit()]
    return len(numbers) == 2 and numbers[0] > numbers[1]


def from_source(
    run: Htir,
    model: HarnessModel,
    static: Sequence[Diagnosis],
    already: Set[str],
    symptom: Symptom,
    observing: Set[str],
) -> Iterator[Cause]:
    """Findings of the source alone that this run may have met.

    Such a finding counts where the run went through its function, or through another one of its class when calls of its
    own are not recorded; more where it names the setting that the loop ended at; and little where a rule looked on at
    that function and saw nothing.

    Args:
        already: flaws that were found in the run itself.
        observing: codes of the rules that would have seen the flaw at work.
    """
    marked = run.reached
    went = {(a.path, a.qualname) for s in run.steps for a in s.anchors if a.route in (Route.PROBE, Route.STACK)}
    classes = {(path, name.rpartition(".")[0]) for path, name in went if "." in name}
    ended = _ended_by(run, model) if symptom.sort is Sort.LIMIT else ""
    for found in static:
        anchor = found.anchors[0]
        owner = anchor.qualname.rpartition(".")[0]
        if found.flaw in already:
            continue
        if str(found.parameters.get("field") or "-") in _WORD.findall(ended):
            weight, why, step = NAMED, f"the loop of this run ended at `{ended}`", symptom.step
        elif anchor.path in marked and not _reached(marked[anchor.path], anchor):
            continue
        elif (anchor.path, anchor.qualname) in went or anchor.path in marked:
            weight, why, step = STANDING, "this run went through that code", None
            weight *= UNSEEN if found.rule in observing else 1.0
        elif owner and (anchor.path, owner) in classes and not _recorded(model, anchor):
            weight, why, step = STANDING, f"this run used {owner}", None
        else:
            continue
        yield Cause(
            verdict=found.verdict,
            reason=f"{found.rule} {found.name}, in the source: {found.message} ({why})",
            weight=round(weight * found.confidence * SEVERITY[found.severity] * LAYER.get(found.layer, 1.0), 3),
            evidence=Evidence.HEURISTIC,
            step=step.id if step is not None else None,
            flaw=found.flaw,
            rule=found.rule,
            layer=found.layer,
        )


def _reached(marks: Reached, anchor: Anchor) -> bool:
    inside = marks.entered(anchor.start_line, anchor.end_line)
    return inside or (anchor.kind not in (AnchorKind.FUNCTION, AnchorKind.CLASS) and marks.ran(anchor.start_line))


def _recorded(model: HarnessModel, anchor: Anchor) -> bool:
    """Whether a run would show that the function was called: it has a role."""
    function = model.function(anchor.path, anchor.qualname)
    return function is not None and bool(function.value("roles"))


def _ended_by(run: Htir, model: HarnessModel) -> str:
    """What bounds the agent loop that ended last, as its source says."""
    for step in reversed(run.steps):
        for event in events(step, "loop_ended"):
            if event.anchor is not None and str(event.attributes.get("loop", "")).startswith("agent_loop:"):
                loop = element_at(model, event.anchor, ElementRole.AGENT_LOOP)
                return str(loop.value("condition") or "") if loop is not None else ""
    return ""

"""One failed run: how it failed, everything that speaks for a verdict, the verdict, and the way to the symptom."""

from collections.abc import Iterator, Sequence, Set

from harnessfix_ir.attribution import Attribution, Cause, Hop
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import Outcome, StepKind, Verdict

from .conduct import by_exclusion, from_end, from_limit, from_replies, from_world
from .evaluation import Labels, from_checks, from_labels
from .exceptions import from_exception
from .findings import from_run, from_source
from .slicing import Slice, hops, slice_back
from .symptom import Sort, Symptom, symptom_of
from .weighing import decide, first_cause


def attribute(
    run: Htir,
    model: HarnessModel,
    diagnoses: Sequence[Diagnosis],
    *,
    static: Sequence[Diagnosis] = (),
    observing: Set[str] = frozenset(),
    labels: Labels = (),
) -> Attribution | None:
    """The verdict on a run; None for one that passed, or of which nothing says that it failed.

    Args:
        run: compiled.
        model: its harness; empty when the source is not known.
        diagnoses: findings in this run.
        static: findings in the source alone.
        observing: codes of the rules that would have seen such a flaw at work in the run.
        labels: outcome and who said so, when there are several.
    """
    if run.run.outcome is Outcome.PASSED:
        return None
    symptom = symptom_of(run)
    if run.run.outcome is Outcome.UNKNOWN and symptom.sort is not Sort.EXCEPTION:
        return None
    back = slice_back(run, symptom.step.id) if symptom.step is not None else None
    causes = list(from_source(run, model, static, {d.flaw for d in diagnoses}, symptom, observing))
    causes.extend(_causes(run, diagnoses, symptom, back))
    causes.extend(from_labels(labels))
    left = by_exclusion(run, symptom, causes)
    if left is not None:
        causes.append(left)
    plain = Attribution(
        run=run.run.id,
        outcome=run.run.outcome,
        verdict=Verdict.UNKNOWN,
        symptom=symptom.step.id if symptom.step is not None else None,
        noticed=symptom.words,
        causes=tuple(causes),
        missing=tuple(_missing(run, model)),
    )
    decided = decide(plain)
    origin = first_cause(decided.causes, decided.verdict)
    if origin is None or origin.step is None or back is None:
        return decided
    path = _path(run, origin, diagnoses, back, symptom)
    return decided.model_copy(update={"origin": origin.step, "path": path})


def _causes(run: Htir, diagnoses: Sequence[Diagnosis], symptom: Symptom, back: Slice | None) -> Iterator[Cause]:
    yield from from_run(diagnoses, symptom, back)
    if symptom.sort is Sort.EXCEPTION:
        yield from from_exception(run, symptom)
    yield from from_replies(run, symptom)
    yield from from_world(run)
    yield from from_limit(run, symptom)
    yield from from_end(run, symptom)
    yield from from_checks(run, symptom)


def _path(run: Htir, origin: Cause, diagnoses: Sequence[Diagnosis], back: Slice, symptom: Symptom) -> tuple[Hop, ...]:
    """The steps that the rule cites, from the responsible one on, then the way to the symptom."""
    assert origin.step is not None
    found = next((d for d in diagnoses if d.flaw == origin.flaw and d.responsible_step == origin.step), None)
    cited = [origin.step]
    if found is not None:
        cited = list(dict.fromkeys(found.path if origin.step in found.path else [origin.step, *found.path]))
    elif symptom.sort is Sort.EXCEPTION and symptom.origin is not None and symptom.origin.id != origin.step:
        cited.append(symptom.origin.id)
    return hops(run, cited, back)


def _missing(run: Htir, model: HarnessModel) -> Iterator[str]:
    if not model.files:
        yield "the source of the harness"
    elif _changed(run, model):
        yield "the source of the harness as it was when the run was recorded"
    if run.incomplete:
        first, *others = run.incomplete
        yield f"{first} and {len(others)} more" if others else first
    if not any(step.kind is StepKind.MODEL_CALL for step in run.steps):
        yield "what the model was asked and what it answered"


def _changed(run: Htir, model: HarnessModel) -> bool:
    recorded = run.run.attributes.get("files")
    now = {file.path: file.sha256 for file in model.files}
    return isinstance(recorded, dict) and any(now.get(path) != digest for path, digest in recorded.items())

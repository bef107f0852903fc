"""How well a planted flaw was found: the paper's table (step, cause, anchor, layer, operator, cluster)."""

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from itertools import combinations

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.vocabulary import Route, StepKind, Verdict

from .plant import Plant
from .trial import VOLATILE, Signature, Trial, signature

TABLE = ("step", "cause", "anchor", "layer_f1", "operator", "cluster_f1")
OBSERVED = frozenset((Route.STACK, Route.PROBE, Route.CODE_ATTRIBUTE))


@dataclass
class Score:
    """What was said of one planted flaw.

    Args:
        plant: the truth.
        subject: where it was planted.
        best: the first finding that the sound harness does not have, None without one.
        steps: task to the steps in which the flaw did something; empty where the changed function is no step.
        found: task to the first such finding in its runs.
        rank: place of the first finding that names the cause in the right function, 0 without one.
        verdicts: whose fault each failed run is said to be; it is the harness's in every one.
    """

    plant: Plant
    subject: str
    best: Diagnosis | None = None
    steps: dict[str, set[str]] = field(default_factory=dict)
    found: dict[str, Diagnosis] = field(default_factory=dict)
    rank: int = 0
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def cause(self) -> bool:
        """Whether the rule is one that names this flaw."""
        return self.best is not None and self.best.rule in self.plant.mutator.causes

    @property
    def anchor(self) -> bool:
        """Whether the first place is the changed function."""
        return self.best is not None and at_place(self.best, self.plant)

    @property
    def layer(self) -> bool:
        """Whether the layer is right."""
        return self.best is not None and self.best.layer is self.plant.layer

    @property
    def operator(self) -> bool:
        """Whether the operator would bring the behaviour back."""
        return self.best is not None and self.best.operator in self.plant.mutator.operators

    @property
    def step(self) -> bool | None:
        """Whether the responsible step is right; None where no step of the changed function was recorded."""
        if not any(self.steps.values()):
            return None
        return any(found.responsible_step in self.steps.get(task, ()) for task, found in self.found.items())


def at_place(diagnosis: Diagnosis, plant: Plant) -> bool:
    """Whether the first anchor is the changed function, stands inside it, or is the class around it."""
    anchor, name = diagnosis.anchors[0], plant.edit.qualname
    if anchor.path != plant.path:
        return False
    return not name or f"{anchor.qualname}.".startswith(f"{name}.") or f"{name}.".startswith(f"{anchor.qualname}.")


def shown(plant: Plant, sound: Trial, changed: Trial) -> bool:
    """Whether the flaw did anything: another exit code, or steps that the sound harness has not; for a text that grew,
    enough of it."""
    tasks = changed.exits
    if any(changed.exits[task] != sound.exits[task] for task in tasks):
        return True
    if plant.mutator.ends_runs:
        return False
    if plant.mutator.told_to_model and not any(_asked(changed, task) != _asked(sound, task) for task in tasks):
        return False
    if plant.mutator.harms_from:
        return any(_longest(changed, task) - _longest(sound, task) >= plant.mutator.harms_from for task in tasks)
    return any(changed.differs(sound, task, plant.edit.qualname) for task in tasks)


def _asked(trial: Trial, task: str) -> list[str]:
    """What a task asked its model, without what changes from run to run."""
    runs = trial.compiled.get(task, ())
    requests = (run.input_text(step) for run in runs for step in run.of_kind(StepKind.MODEL_CALL))
    return [VOLATILE.sub("~", request) for request in requests]


def _longest(trial: Trial, task: str) -> int:
    """Characters of the longest request of a task."""
    runs = trial.compiled.get(task, ())
    requests = (run.input_text(step) for run in runs for step in run.of_kind(StepKind.MODEL_CALL))
    return max(map(len, requests), default=0)


def score(subject: str, plant: Plant, sound: Trial, changed: Trial) -> Score:
    """Hold what the rules said against the truth."""
    known = {flaw.flaw for flaw in sound.diagnosed.flaws}
    new = [flaw for flaw in changed.diagnosed.flaws if flaw.flaw not in known]
    verdicts = [one.verdict for one in changed.diagnosed.attributions.values()]
    result = Score(plant, subject, best=new[0].best if new else None, verdicts=verdicts)
    for place, flaw in enumerate(new, 1):
        if flaw.best.rule in plant.mutator.causes and at_place(flaw.best, plant):
            result.rank = place
            break
    order = {flaw.flaw: place for place, flaw in enumerate(new)}
    for task, runs in changed.compiled.items():
        result.steps[task] = set() if plant.edit.acts_later else true_steps(plant, sound, changed, task)
        mine = [
            diagnosis for run in runs for diagnosis in changed.diagnoses.get(run.run.id, ()) if diagnosis.flaw in order
        ]
        if mine:
            result.found[task] = min(mine, key=lambda diagnosis: order[diagnosis.flaw])
    return result


def true_steps(plant: Plant, sound: Trial, changed: Trial, task: str) -> set[str]:
    """Steps of the changed function that did something else than before, and what it did inside them; all of its steps
    when none did."""
    before, restless = sound.signatures(task), sound.restless.get(task, set())
    different, every = set(), set()
    for run in changed.compiled.get(task, ()):
        mine = {step.id for step in run.steps if any(_changed(plant, anchor) for anchor in step.anchors)}
        other = {step.id for step in run.steps if step.id in mine and _new(signature(run, step), before, restless)}
        every |= mine
        different |= other | {below.id for step in other for below in run.descendants(step) if below.id in mine}
    return different or every


def _new(one: Signature, before: Counter[Signature], restless: Set[tuple[str, str]]) -> bool:
    return not before[one] and one[:2] not in restless


def _changed(plant: Plant, anchor: Anchor) -> bool:
    """Whether a recorded place lies in the changed function."""
    inside = f"{anchor.qualname}.".startswith(f"{plant.edit.qualname}.")
    return anchor.route in OBSERVED and anchor.path == plant.path and inside


def metrics(scores: Sequence[Score]) -> dict[str, float]:
    """Rates between 0 and 1 over planted flaws."""
    with_step = [one for one in scores if one.step is not None]
    return {
        "step": _rate(sum(bool(one.step) for one in with_step), len(with_step)),
        "cause": _rate(sum(one.cause for one in scores), len(scores)),
        "anchor": _rate(sum(one.anchor for one in scores), len(scores)),
        "layer_f1": layer_f1(scores),
        "operator": _rate(sum(one.operator for one in scores), len(scores)),
        "cluster_f1": cluster_f1(scores),
        "found_at_3": _rate(sum(0 < one.rank <= 3 for one in scores), len(scores)),
        "planted": float(len(scores)),
        **_verdicts([verdict for one in scores for verdict in one.verdicts]),
    }


def _verdicts(given: Sequence[Verdict]) -> dict[str, float]:
    """Share of failed runs that the harness is blamed for, and that somebody else is."""
    if not given:
        return {}
    other = sum(verdict not in (Verdict.HARNESS, Verdict.UNKNOWN) for verdict in given)
    return {
        "verdict_harness": _rate(given.count(Verdict.HARNESS), len(given)),
        "verdict_other": _rate(other, len(given)),
        "failed_runs": float(len(given)),
    }


def layer_f1(scores: Sequence[Score]) -> float:
    """F1 of each layer that occurs, averaged."""
    right: Counter[str] = Counter()
    said: Counter[str] = Counter()
    true: Counter[str] = Counter()
    for one in scores:
        true[one.plant.layer.value] += 1
        if one.best is not None:
            said[one.best.layer.value] += 1
            right[one.best.layer.value] += one.layer
    return _rate(sum(2 * right[layer] / (true[layer] + said[layer]) for layer in true), len(true))


def cluster_f1(scores: Iterable[Score]) -> float:
    """Over pairs of runs: those of one planted flaw should have one flaw record, those of two flaws should not."""
    runs = [(at, diagnosis.flaw) for at, one in enumerate(scores) for diagnosis in one.found.values()]
    both = same = said = 0
    for (plant, flaw), (other, other_flaw) in combinations(runs, 2):
        same += plant == other
        said += flaw == other_flaw
        both += plant == other and flaw == other_flaw
    return _rate(2 * both, same + said)


def _rate(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole else 0.0

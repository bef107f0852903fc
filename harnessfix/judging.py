"""After the diagnosis: whose fault each failed run is, and what those that no finding explains have in common.

What was made of a run is kept under everything that it depends on, so that only new verdicts are worked out.
"""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from harnessfix.diagnoser import Diagnosed
from harnessfix.diagnoser.attribution import attribute, settle, with_lead
from harnessfix.diagnoser.attribution.evaluation import from_twin
from harnessfix.diagnoser.comparison import Comparison, compare, nearest
from harnessfix.diagnoser.spectrum import Place, Spectrum, covered
from harnessfix.pipeline import Pipeline
from harnessfix.rules import Rule, all_rules
from harnessfix.store import RunRow
from harnessfix.workspace import model_digest
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.attribution import Attribution, Cause, Suspect
from harnessfix_ir.errors import HarnessfixError
from harnessfix_ir.findings import Diagnosis, FlawRecord
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import Evidence, Outcome, Verdict

MOST_COMPARED = 400  # passed runs whose code is held against that of the failed ones
MOST_TWINS = 50  # failed runs whose answer is held against that of passed ones
LEAD = 0.6  # how much of a suspect's confidence speaks for the harness: hard tasks share code too
MOST_NEAR = 5  # passed runs of one task that are looked at for the nearest


def judge_runs(pipeline: Pipeline, run_ids: Sequence[str] | None, found: Diagnosed, rules: Sequence[Rule]) -> None:
    """Add verdicts and suspects to what was found in these runs (None: all), which have just been diagnosed."""
    judge = Judge(pipeline, found.flaws, rules)
    wanted = None if run_ids is None else set(run_ids)
    rows = [row for row in pipeline.store.runs() if wanted is None or row.id in wanted]
    for row in rows:
        if row.outcome is not Outcome.PASSED:
            try:
                verdict = judge.verdict(row)
            except HarnessfixError:  # the diagnosis has told that it cannot be read
                continue
            if verdict is not None:
                found.attributions[row.id] = verdict
                found.names[row.id] = row.task or row.name
    dark = [row for row in rows if row.id in found.attributions and unexplained(found.attributions[row.id])]
    for row in dark[:MOST_TWINS]:
        twin = judge.twin(row)
        if twin is not None:
            found.attributions[row.id] = with_lead(found.attributions[row.id], twin)
    if len(dark) > 1:
        passed = [row for row in rows if row.outcome is Outcome.PASSED][:MOST_COMPARED]
        found.suspects = judge.suspects(dark[:MOST_COMPARED], passed)
        for run_id, lead in judge.leads(found.suspects):
            found.attributions[run_id] = with_lead(found.attributions[run_id], lead)


def unexplained(found: Attribution) -> bool:
    """Whether neither a finding nor the environment accounts for a failure."""
    named = found.verdict is Verdict.HARNESS and any(c.rule for c in found.causes if c.verdict is Verdict.HARNESS)
    return not named and found.verdict is not Verdict.ENVIRONMENT


class Judge:
    """Verdicts on runs of one store.

    Args:
        pipeline: over the store.
        flaws: all that were found, in runs and in source.
        rules: that were asked.
    """

    def __init__(self, pipeline: Pipeline, flaws: Sequence[FlawRecord], rules: Sequence[Rule]) -> None:
        self.pipeline, self.store = pipeline, pipeline.store
        self._static = [flaw.best for flaw in flaws if not flaw.best.shown]
        self._support = {flaw.flaw: flaw.support for flaw in flaws}
        self._asked = frozenset(rule.code for rule in rules)
        self._observing = frozenset(rule.code for rule in rules if rule.observes)
        self._covered: dict[str, frozenset[Place]] = {}
        self._harnesses: dict[tuple[Path, ...], str] = {}
        self._common = _digest(_program(), sorted(self._observing), [d.model_dump_json() for d in self._static])

    def verdict(self, row: RunRow, run: Htir | None = None) -> Attribution | None:
        """Whose fault a run's failure is, in the light of the other runs; None when it did not fail."""
        diagnoses = [each for each in self.store.diagnoses(run_id=row.id) if each.shown and each.rule in self._asked]
        labels = [(label.outcome, label.by) for label in self.store.labels(row.id)]
        key = _digest(
            self._common,
            [self.store.blob_digest(row.id), row.id, row.outcome, labels, self._harness(row.id)],
            [diagnosis.model_dump_json() for diagnosis in diagnoses],
        )
        held = self.store.cached("verdict", key)
        if held is None:
            alone = self._alone(run or self.pipeline.compile(row.id), diagnoses, labels)
            self.store.cache("verdict", key, alone.model_dump_json().encode() if alone is not None else b"null")
        else:
            alone = None if held == b"null" else Attribution.model_validate_json(held)
        return settle(alone, self._support) if alone is not None else None

    def _alone(self, run: Htir, diagnoses: list[Diagnosis], labels: list[tuple[Outcome, str]]) -> Attribution | None:
        model = self.pipeline.model(self.pipeline.roots_of(run.run))
        return attribute(run, model, diagnoses, static=self._static, observing=self._observing, labels=labels)

    def _harness(self, run_id: str) -> str:
        roots = self.pipeline.roots_of(self.store.run_info(run_id))
        if roots not in self._harnesses:
            self._harnesses[roots] = model_digest(self.pipeline.model(roots))
        return self._harnesses[roots]

    def twin(self, row: RunRow) -> Cause | None:
        """A passed run that gave the same answer to the same task, as a cause."""
        same = self.store.runs(task=row.task, outcome=Outcome.PASSED, limit=MOST_NEAR) if row.task else []
        if not same:
            return None
        return from_twin(self.pipeline.compile(row.id), (self.pipeline.compile(other.id) for other in same))

    def suspects(self, failed: Sequence[RunRow], passed: Sequence[RunRow]) -> list[Suspect]:
        """What failed runs went through and passed ones did not."""
        spectrum, model = Spectrum(), None
        for row in (*failed, *passed):
            run = self.pipeline.compile(row.id)
            model = self.pipeline.model(self.pipeline.roots_of(run.run))
            places = frozenset(covered(run, model))
            spectrum.take(row.id, places, failed=row.outcome is not Outcome.PASSED)
            if row.outcome is not Outcome.PASSED:
                self._covered[row.id] = places
        return spectrum.suspects(model) if model is not None else []

    def leads(self, suspects: Sequence[Suspect]) -> Iterator[tuple[str, Cause]]:
        """The best suspect that each failed run went through, as a cause that names the harness."""
        for run_id, places in self._covered.items():
            for one in suspects:
                anchor = next((a for a in one.anchors if (a.path, a.start_line) in places), None)
                if anchor is not None:
                    yield run_id, _lead(one, anchor)
                    break


def _lead(one: Suspect, anchor: Anchor) -> Cause:
    return Cause(
        verdict=Verdict.HARNESS,
        reason=f"{one.failed} of {one.of_failed} failed runs that nothing else explains went through "
        f"{anchor.place} ({anchor.qualname}), and {one.passed} of {one.of_passed} passed ones",
        weight=round(LEAD * one.confidence, 3),
        evidence=Evidence.HEURISTIC,
    )


def judge_one(pipeline: Pipeline, run: Htir) -> Attribution | None:
    """Whose fault a run's failure is, by what was found the last time it was checked; None when it never was."""
    row = pipeline.store.run(run.run.id)
    if row.flaws is None:
        return None
    return Judge(pipeline, pipeline.store.flaws(), all_rules()).verdict(row, run)


def compare_with_passed(pipeline: Pipeline, run: Htir) -> Comparison | None:
    """What a run that did not pass did otherwise than the nearest passed one of its task; None without one."""
    if run.run.outcome is Outcome.PASSED or not run.run.task:
        return None
    rows = pipeline.store.runs(task=run.run.task, outcome=Outcome.PASSED, limit=MOST_NEAR)
    other = nearest(run, (pipeline.compile(row.id) for row in rows))
    return compare(run, other) if other is not None else None


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


@cache
def _program() -> str:
    """Digest of the code that makes verdicts."""
    import harnessfix.diagnoser.attribution as package

    files = sorted(Path(package.__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:32]

"""After the diagnosis: whose fault each failed run is, and what those that no finding explains have in common."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import cache
from itertools import islice
from pathlib import Path

import harnessfix.diagnoser.spectrum
from harnessfix.diagnoser import Diagnosed
from harnessfix.diagnoser.attribution import settle, with_lead
from harnessfix.diagnoser.attribution.evaluation import from_twin
from harnessfix.diagnoser.comparison import Comparison, compare, nearest
from harnessfix.diagnoser.spectrum import Place, Spectrum, covered
from harnessfix.diagnoser.verdicts import Verdicts
from harnessfix.engines import Serial
from harnessfix.pipeline import EngineFor, Pipeline, ReadBlock
from harnessfix.rules import Rule, all_rules
from harnessfix.stages import versions
from harnessfix.stages.batches import Task, batches, size_for
from harnessfix.stages.verdicts import Judging, verdict_of
from harnessfix.store import Brief, RunFacts
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.attribution import Attribution, Cause, Suspect
from harnessfix_ir.findings import FlawRecord
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import Evidence, Outcome, Verdict

PAGE = 200
MOST_COMPARED = 400  # passed runs whose code is held against that of the failed ones
MOST_TWINS = 50  # failed runs whose answer is held against that of passed ones
LEAD = 0.6  # how much of a suspect's confidence speaks for the harness: hard tasks share code too
MOST_NEAR = 5  # passed runs of one task that are looked at for the nearest


def judge_runs(
    pipeline: Pipeline,
    run_ids: Sequence[str] | None,
    found: Diagnosed,
    rules: Sequence[Rule],
    *,
    engine: EngineFor = lambda runs: Serial(),
    blocks: ReadBlock | None = None,
) -> None:
    """Add verdicts and suspects to what was found in these runs (None: all), which have just been diagnosed.

    What only says where to look goes where a finding, the environment or a comparison says more.

    Args:
        pipeline: over the store.
        run_ids, found: what was diagnosed.
        rules: that were asked.
        engine: makes the engine that works out the verdicts which are new.
        blocks: as for `Pipeline.diagnose`.
    """
    judge = Judge(pipeline, found.flaws, rules, blocks)
    wanted = None if run_ids is None else set(run_ids)
    rows = [row for row in pipeline.store.briefs() if wanted is None or row.id in wanted]
    failed = [row for row in rows if row.outcome != Outcome.PASSED]
    verdicts, lost = Verdicts(), set[str]()
    for verdict in judge.verdicts([row.id for row in failed], engine):
        verdicts[verdict.run] = verdict
        if unexplained(verdict):
            lost.add(verdict.run)
    found.attributions = verdicts.ordered(row.id for row in failed)
    found.names.update((row.id, row.called) for row in failed if row.id in verdicts)
    dark = [row for row in failed if row.id in lost]
    for row in dark[:MOST_TWINS]:
        twin = judge.twin(row)
        if twin is not None:
            found.attributions[row.id] = with_lead(found.attributions[row.id], twin)
    if len(dark) > 1:
        passed = [row for row in rows if row.outcome == Outcome.PASSED][:MOST_COMPARED]
        found.suspects = judge.suspects(dark[:MOST_COMPARED], passed)
        for run_id, lead in judge.leads(found.suspects):
            found.attributions[run_id] = with_lead(found.attributions[run_id], lead)
    outside = {run for run, each in verdicts.items() if each.verdict is Verdict.ENVIRONMENT}
    explained = set(verdicts) if found.suspects else outside
    idle = {flaw.flaw for flaw in found.flaws if not flaw.best.blames and explained.issuperset(flaw.runs)}
    if idle:
        found.flaws = [flaw for flaw in found.flaws if flaw.flaw not in idle]
        if run_ids is None:
            pipeline.store.save_flaws([], gone=idle)


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
        blocks: as for `Pipeline.diagnose`.
    """

    def __init__(
        self, pipeline: Pipeline, flaws: Sequence[FlawRecord], rules: Sequence[Rule], blocks: ReadBlock | None = None
    ) -> None:
        self.pipeline, self.store = pipeline, pipeline.store
        self._support = {flaw.flaw: flaw.support for flaw in flaws}
        self._covered: dict[str, frozenset[Place]] = {}
        self._models: dict[str, HarnessModel] = {}
        self._keys: dict[tuple[str, ...], str] = {}
        static = [flaw.best for flaw in flaws if not flaw.best.shown]
        self._job = Judging(self.store, self._models, static, rules, blocks)

    def verdicts(self, run_ids: Sequence[str], engine: EngineFor) -> Iterator[Attribution]:
        """Whose fault these runs' failures are, in the light of the other runs; nothing of those that did not fail."""
        left: list[str] = []
        facts = self.store.facts(run_ids, missing_ok=True)
        while page := [self._task(run) for run in islice(facts, PAGE)]:
            kept = dict(self._job.kept(self._job.questions(page)))
            yield from self._settled(kept.items())
            left += [task.run.id for task in page if task.run.id not in kept]
        if not left:
            return
        with closing(engine(len(left))) as chosen:
            tasks = (self._task(run) for run in self.store.facts(left, missing_ok=True))
            for done in chosen.run(self._job, batches(tasks, size_for(chosen, len(left)))):
                if done.error is not None:
                    raise done.error
                yield from self._settled(done.result or ())

    def verdict(self, run_id: str) -> Attribution | None:
        """The same of one run; None when it did not fail."""
        return next(self.verdicts([run_id], lambda runs: Serial()), None)

    def _settled(self, said: Iterable[tuple[str, str]]) -> Iterator[Attribution]:
        for _, text in said:
            alone = verdict_of(text)
            if alone is not None:
                yield settle(alone, self._support)

    def _task(self, run: RunFacts) -> Task:
        if run.harness not in self._keys:
            model = self.pipeline.model_for(run.harness)
            key = self._keys[run.harness] = versions.model_key(model)
            self._models[key] = model
        return Task(run, self._keys[run.harness])

    def twin(self, row: Brief) -> Cause | None:
        """A passed run that gave the same answer to the same task, as a cause."""
        same = self.store.runs(task=row.task, outcome=Outcome.PASSED, limit=MOST_NEAR) if row.task else []
        if not same:
            return None
        return from_twin(self.pipeline.compile(row.id), (self.pipeline.compile(other.id) for other in same))

    def suspects(self, failed: Sequence[Brief], passed: Sequence[Brief]) -> list[Suspect]:
        """What failed runs went through and passed ones did not."""
        spectrum, model = Spectrum(), None
        for run in self.store.facts([row.id for row in (*failed, *passed)], missing_ok=True):
            task = self._task(run)
            model = self._models[task.model]
            places = self._places(task)
            spectrum.take(run.id, places, failed=run.outcome != Outcome.PASSED)
            if run.outcome != Outcome.PASSED:
                self._covered[run.id] = places
        return spectrum.suspects(model) if model is not None else []

    def _places(self, task: Task) -> frozenset[Place]:
        """Where a run went, kept for the next check."""
        key = versions.digest_of(_program(), versions.htir_key(task.run, task.model))
        held = self.store.cached("covered", key)
        if held is not None:
            return frozenset((path, line) for path, line in json.loads(held))
        places = frozenset(covered(self.pipeline.compile(task.run.id), self._models[task.model]))
        self.store.cache("covered", key, json.dumps(sorted(places)).encode())
        return places

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
    if pipeline.store.run(run.run.id).flaws is None:
        return None
    return Judge(pipeline, pipeline.store.flaws(), all_rules()).verdict(run.run.id)


def compare_with_passed(pipeline: Pipeline, run: Htir) -> Comparison | None:
    """What a run that did not pass did otherwise than the nearest passed one of its task; None without one."""
    if run.run.outcome is Outcome.PASSED or not run.run.task:
        return None
    rows = pipeline.store.runs(task=run.run.task, outcome=Outcome.PASSED, limit=MOST_NEAR)
    other = nearest(run, (pipeline.compile(row.id) for row in rows))
    return compare(run, other) if other is not None else None


@cache
def _program() -> str:
    """Digest of the code that says where a run went."""
    return versions.digest_of(versions.content_of([Path(harnessfix.diagnoser.spectrum.__file__)]))

"""Diagnose many runs: those of which nothing changed are taken as they are, the others are examined by an engine."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from harnessfix.diagnoser import Diagnosed, as_configured
from harnessfix.diagnoser.reached import added
from harnessfix.engines import Done, Engine, WorkerDiedError
from harnessfix.rules import Rule
from harnessfix.store import RunFacts, Store
from harnessfix_ir.errors import HarnessfixError
from harnessfix_ir.findings import Support
from harnessfix_ir.harness import HarnessModel

from . import versions
from .batches import Batch, Task, batches, size_for
from .examine import Examine, Harness, current_key
from .examined import Examination, Examined, Sum
from .ledger import Ledger

PAGE = 100

Roots = tuple[Path, ...]
ModelOf = Callable[[tuple[str, ...]], tuple[Roots, HarnessModel]]


class Sweep:
    """One pass over runs of a store.

    Args:
        store: theirs.
        found: takes what is found.
        rules: to ask.
        model_of: folders and model of a harness, by the folders that a run was recorded with.
        tell: told after each run.
        alone: as in `Examine`.
    """

    def __init__(
        self,
        store: Store,
        found: Diagnosed,
        rules: Sequence[Rule],
        model_of: ModelOf,
        tell: Callable[[str], None],
        alone: bool = False,
    ) -> None:
        self.store, self.found, self.rules, self.tell, self.alone = store, found, rules, tell, alone
        self._model_of = model_of
        self._keys: dict[tuple[str, ...], str] = {}
        self._harnesses: dict[str, Harness] = {}

    def take_unchanged(self, run_ids: Sequence[str] | None) -> list[str]:
        """Take what was made of runs of which nothing changed since.

        Args:
            run_ids: to look at; None for all runs.

        Returns:
            Ids of the others.
        """
        left: list[str] = []
        facts = self.store.facts(run_ids)
        while page := list(islice(facts, PAGE)):
            kept = self.store.examinations([run.id for run in page], Examination)
            sum_ = Sum(self.found.severities)
            for run in page:
                model = self._key(run)
                key, wanted = versions.htir_key(run, model), self._harnesses[model].wanted
                made_from, examination = kept.get(run.id, ("", None))
                chosen = examination.of(wanted) if examination is not None and made_from == key else None
                if chosen is None:
                    left.append(run.id)
                    continue
                self._show(run, current_key(key, wanted, self.found.severities), chosen)
                sum_.take(run, chosen, compiled=None)
                self.tell(run.id[:8])
            self._add(sum_.examined())
        return left

    def examine(self, run_ids: Sequence[str], engine: Engine, get: Callable[[str], bytes] | None = None) -> None:
        """Examine runs, and add what becomes of them.

        Args:
            run_ids: as `take_unchanged` left them; runs that are gone by now are passed over.
            engine: executes it.
            get: gives a block by its digest; the store itself when None.

        Raises:
            HarnessfixError: the store cannot be written, or workers run other programs.
        """
        job = Examine(self.store, self._harnesses, self.rules, self.found.severities, get, self.alone)
        tasks = (Task(run, self._key(run)) for run in self.store.facts(run_ids, missing_ok=True))
        parts = batches(tasks, size_for(engine, len(run_ids)))
        run = Ledger(self.store, job, engine).run if engine.shared else partial(engine.run, job)
        # What cost a worker its life is one of these; alone, the others are done.
        suspects = list(self._take(run(parts)))
        for done in engine.run(job, ((task,) for batch in suspects for task in batch)) if suspects else ():
            if done.result is not None:
                self._add(done.result)
            else:
                sum_ = Sum(self.found.severities)
                sum_.leave_out(done.part[0].run, done.error or HarnessfixError("nothing came back"))
                self._add(sum_.examined())

    def _take(self, parts: Iterable[Done[Batch, Examined]]) -> Iterator[Batch]:
        """Add what is done; yield the batches that failed as a whole."""
        for done in parts:
            if done.result is not None:
                self._add(done.result)
            elif isinstance(done.error, HarnessfixError) and not isinstance(done.error, WorkerDiedError):
                raise done.error
            else:
                yield done.part
            for task in done.part:
                self.tell(task.run.id[:8])

    def _key(self, run: RunFacts) -> str:
        """Key of the run's harness model, which is read when it is first asked for."""
        if run.harness not in self._keys:
            roots, model = self._model_of(run.harness)
            self.found.take_source(roots, model, self.rules)
            key = self._keys[run.harness] = versions.model_key(model)
            self._harnesses[key] = Harness.of(model, self.found.static[roots], self.rules)
        return self._keys[run.harness]

    def _show(self, run: RunFacts, current: str, chosen: Examination) -> None:
        """The diagnoses in the store are those of the last check; let them be those of this one."""
        if run.diagnosed_with != current:
            found = [as_configured(each, self.found.severities) for each in chosen.diagnoses]
            asked = [rule.code for rule in self.rules] if self.alone else None
            self.store.replace_diagnoses(run.id, current, found, asked)

    def _add(self, part: Examined) -> None:
        found, work = self.found, self.found.work
        for case in part.cases:
            found.gathered.take(case)
        for flaw, runs in part.reached.items():
            found.reached[flaw] = added(found.reached.get(flaw, Support()), runs)
        found.incomplete += part.incomplete
        found.outdated += part.outdated
        found.suppressed += part.suppressed
        work.unchanged += part.unchanged
        work.asked_again += part.asked_again
        work.compiled += part.compiled
        work.left_out += part.left_out

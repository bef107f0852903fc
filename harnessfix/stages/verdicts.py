"""The job that says whose fault failed runs are, wherever it is executed.

What is said of a run alone is kept under everything that it depends on, so that only new verdicts are worked out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

import harnessfix.diagnoser.attribution
from harnessfix.diagnoser.attribution import attribute
from harnessfix.rules import Rule
from harnessfix.store import Store
from harnessfix_ir.attribution import Attribution
from harnessfix_ir.errors import HarnessfixError
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import Outcome

from . import versions
from .batches import Batch, Task
from .examine import compiled, compiled_before, read

KIND = "verdict"
NONE = "null"
"""What is kept of a run that did not fail."""


class Question(NamedTuple):
    """What the verdict on one run depends on, beside the run.

    Args:
        key: digest of all of it.
        diagnoses: JSON of the findings that the run shows.
        labels: outcome and who said so.
    """

    key: str
    diagnoses: list[str]
    labels: list[tuple[Outcome, str]]


@dataclass(frozen=True)
class Judging:
    """Verdicts on batches of runs, each in the light of nothing but itself and its harness.

    Args:
        store: where runs and findings are read and verdicts kept; another process opens it anew.
        models: harnesses by the keys of their models.
        static: flaws that only the source shows.
        rules: that were asked; findings of others do not count.
        get: reads a block by its digest; the store's own when None.
    """

    store: Store
    models: Mapping[str, HarnessModel]
    static: Sequence[Diagnosis]
    rules: Sequence[Rule] = field(repr=False)
    get: Callable[[str], bytes] | None = None

    def __call__(self, batch: Batch) -> list[tuple[str, str]]:
        """Run id and verdict as JSON, `null` for a run that did not fail; without those that cannot be read."""
        questions = self.questions(batch)
        said = dict(self.kept(questions))
        unread: list[Task] = []
        for task in batch:
            if task.run.id in said:
                continue
            held = compiled_before(self.store, versions.htir_key(task.run, task.model))
            if held is None:
                unread.append(task)
            else:
                said[task.run.id] = self.judge(task, held, questions[task.run.id])
        by_run = {task.run.id: task for task in unread}
        for run_id, found in self.store.reread([task.run for task in unread], read, self.get):
            if not isinstance(found, HarnessfixError):  # the diagnosis has told that it cannot be read
                task = by_run[run_id]
                run = compiled(found, self.models[task.model], task.run)
                said[run_id] = self.judge(task, run, questions[run_id])
        return list(said.items())

    def kept(self, questions: Mapping[str, Question]) -> Iterator[tuple[str, str]]:
        """Those verdicts that were worked out before, by run id."""
        keys = {asked.key: run_id for run_id, asked in questions.items()}
        for key, value in self.store.cached_ones(KIND, list(keys)):
            yield keys[key], value.decode()

    def judge(self, task: Task, run: Htir, asked: Question) -> str:
        """The verdict on one compiled run, which is kept."""
        found = attribute(
            run,
            self.models[task.model],
            [Diagnosis.model_validate_json(document) for document in asked.diagnoses],
            static=self.static,
            observing=frozenset(rule.code for rule in self.rules if rule.observes),
            labels=asked.labels,
        )
        said = found.model_dump_json() if found is not None else NONE
        self.store.cache(KIND, asked.key, said.encode())
        return said

    def questions(self, batch: Sequence[Task]) -> dict[str, Question]:
        """What the verdicts on these runs depend on."""
        run_ids = [task.run.id for task in batch]
        labels = self.store.labels_of(run_ids)
        findings = self.store.shown_in(run_ids, [rule.code for rule in self.rules])
        out = {}
        for task in batch:
            run = task.run.id
            said = [(label.outcome, label.by) for label in labels[run]]
            key = versions.digest_of(self._common, versions.htir_key(task.run, task.model), said, findings[run])
            out[run] = Question(key, findings[run], said)
        return out

    @cached_property
    def _common(self) -> str:
        observing = sorted(rule.code for rule in self.rules if rule.observes)
        return versions.digest_of(_program(), observing, [each.model_dump_json() for each in self.static])


def verdict_of(said: str) -> Attribution | None:
    """A verdict out of its JSON."""
    return None if said == NONE else Attribution.model_validate_json(said)


@cache
def _program() -> str:
    """Digest of the code that makes verdicts."""
    package = Path(harnessfix.diagnoser.attribution.__file__).parent
    return versions.digest_of(versions.content_of(package.glob("*.py")))

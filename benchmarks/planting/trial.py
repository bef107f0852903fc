"""One harness, sound or with a flaw in it: its tasks recorded, compared with the sound harness's, and diagnosed."""

import hashlib
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harnessfix.diagnoser import Diagnosed
from harnessfix.judging import judge_runs
from harnessfix.pipeline import Pipeline
from harnessfix.rules import Rule
from harnessfix.workspace import Workspace
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Outcome

from .subject import HERE, Subject

SECONDS = 60.0
VOLATILE = re.compile(
    r"0x[0-9a-f]+|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?|\d+\.\d+|[0-9a-f]{8}-[0-9a-f-]{27}"
    r"|/tmp/\S+|line \d+|\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{6,}\b"  # the last: names made up for one run
)
WORD = re.compile(r"[^\s\[\]{},]+")
AGAIN = 3  # times that a sound task is recorded again before what differs is put down to a flaw
Signature = tuple[str, str, str, str, str]


@dataclass
class Trial:
    """What became of the tasks of one version of a harness.

    Args:
        compiled: runs by task.
        exits: exit code by task.
        diagnosed: what the rules said of all of them together.
        diagnoses: what they said of each run, by its id.
        restless: by task, which steps (kind and name) do not do the same each time.
    """

    compiled: dict[str, list[Htir]] = field(default_factory=dict)
    exits: dict[str, int] = field(default_factory=dict)
    diagnosed: Diagnosed = field(default_factory=Diagnosed)
    diagnoses: dict[str, list[Diagnosis]] = field(default_factory=dict)
    restless: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    def differs(self, other: "Trial", task: str, changed: str = "") -> bool:
        """Whether a task did something else than in another trial, of which it is known what is restless in it.

        Args:
            other: the trial.
            task: of both.
            changed: a function that may be no step any more, for there is less in it; that alone is no difference.
        """
        restless = other.restless.get(task, ())
        mine, others = self.signatures(task), other.signatures(task)
        names = {one[1] for one in mine}
        gone = {one[1] for one in others if changed.endswith(one[1]) and one[1] not in names}
        return any(one[:2] not in restless and one[1] not in gone for one in ((mine - others) | (others - mine)))

    def signatures(self, task: str) -> Counter[Signature]:
        """What the steps of a task did, without what changes from run to run."""
        return Counter(signature(run, step) for run in self.compiled.get(task, ()) for step in run.steps)


def signature(run: Htir, step: TraceStep) -> Signature:
    """What a step was and did; in which order a set was written out is not told apart."""
    shown = " ".join(sorted(WORD.findall(VOLATILE.sub("~", run.output_text(step)))))
    digest = hashlib.sha1(shown.encode(errors="replace"), usedforsecurity=False).hexdigest()[:12]
    return step.kind.value, step.name, step.status.value, step.error.type if step.error else "", digest


class Bench:
    """A copy of one sound harness, a store beside it, and the rules to ask.

    Args:
        subject: the harness.
        folder: an empty one, or one of an earlier time: what was recorded then is not recorded again.
        rules: to ask.
    """

    def __init__(self, subject: Subject, folder: Path, rules: Sequence[Rule]) -> None:
        self.subject, self.rules = subject, rules
        self.scratch, self.tree = folder, folder / "tree"
        self._kept_file = folder / "recorded.json"
        self._kept: dict[str, Any] = json.loads(self._kept_file.read_text()) if self._kept_file.exists() else {}
        if not self._kept:
            shutil.rmtree(self.tree, ignore_errors=True)
            self.tree.mkdir(parents=True)
            subject.unpack(self.tree)
        self.harness = subject.within(self.tree)
        self.workspace = Workspace.open(self.tree, store=str(folder / "runs.db"), create=True)

    def opened(self, task: str) -> set[str]:
        """Files of the harness, other than Python's, that a task of the sound harness reads."""
        return set(self._once(f"{self.subject.script_digest()} {task} opened", lambda: self._open(task)))

    def _open(self, task: str) -> list[str]:
        out = self.scratch / "opened.json"
        subprocess.run(
            self.subject.argv(task, str(HERE / "opened.py"), str(out), str(self.harness), "--"),
            cwd=self.tree,
            env=self.subject.environment(self.tree),
            capture_output=True,
            timeout=300,
            check=False,
        )
        found: list[str] = json.loads(out.read_text()) if out.exists() else []
        out.unlink(missing_ok=True)
        return found

    def run(self, tasks: Sequence[str], version: str = "") -> Trial:
        """Record these tasks with the harness as it is now, and diagnose them.

        Args:
            tasks: of the subject.
            version: of the harness, empty for the sound one.
        """
        pipeline, trial, runs = Pipeline(self.workspace), Trial(), []  # a pipeline reads the harness once
        for task in tasks:
            key = f"{self.subject.script_digest()} {task} {version}"
            trial.exits[task], recorded = self._once(key, lambda task=task: self._record(pipeline, task))  # type: ignore[misc]
            trial.compiled[task] = [pipeline.compile(run) for run in recorded]
            runs += recorded
        trial.diagnosed = pipeline.diagnose(runs, self.rules)
        judge_runs(pipeline, runs, trial.diagnosed, self.rules)
        for run in runs:
            trial.diagnoses[run] = list(self.workspace.store.diagnoses(run))
        return trial

    def settle(self, sound: Trial, changed: Trial, task: str, function: str) -> None:
        """Record a task of the sound harness again while it seems to do something else than before.

        So it is known which of its steps do not do the same each time, for instance by the order of a set.
        """
        pipeline = Pipeline(self.workspace)
        mine = sound.signatures(task)
        for number in range(AGAIN):
            if not changed.differs(sound, task, function):
                return
            key = f"{self.subject.script_digest()} {task} again{number or ''}"
            _, recorded = self._once(key, lambda: self._record(pipeline, task))
            others = Trial(compiled={task: [pipeline.compile(run) for run in recorded]}).signatures(task)
            restless = {one[:2] for one in (mine - others) | (others - mine)}
            sound.restless[task] = sound.restless.get(task, set()) | restless

    def _record(self, pipeline: Pipeline, task: str) -> tuple[int, list[str]]:
        collected = pipeline.record(
            self.subject.argv(task),
            task=task,
            cwd=self.tree,
            env=self.subject.environment(self.tree),
            timeout=SECONDS,
            quiet=True,
            **({} if self.subject.example else {"harness": [str(self.harness)]}),
        )
        outcome = Outcome.PASSED if collected.exit_code == 0 else Outcome.FAILED
        for run in collected.runs:
            self.workspace.store.label(run, outcome, by="user", reason="exit code of the task")
        return collected.exit_code, list(collected.runs)

    def _once(self, key: str, work: Callable[[], Any]) -> Any:
        if key not in self._kept:
            self._kept[key] = work()
            self._kept_file.write_text(json.dumps(self._kept))
        return self._kept[key]

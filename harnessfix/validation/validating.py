"""Proving patches with the user's own tasks: what the gate asks for, answered by recording and diagnosing.

Runs of the unpatched tree are made once and shared by all patches of a session; an interrupted session goes on where it
stopped.
"""

import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType

from harnessfix import __version__
from harnessfix.diagnoser import diagnose_source
from harnessfix.rules import Rule
from harnessfix.validation.regression import proved, telling_row, write_test
from harnessfix.validation.replaying import Replay
from harnessfix.validation.resuming import Unfinished
from harnessfix.validation.trials import Trials
from harnessfix.workspace import Workspace
from harnessfix_ir.findings import FlawRecord
from harnessfix_repairs.patch import Patch
from harnessfix_repairs.validation.documents import RegressionTest, TaskRow, Validation
from harnessfix_repairs.validation.gate import Bounds, Plan, validate
from harnessfix_repairs.validation.runner import TaskResult
from harnessfix_repairs.validation.worktree import Tree

Tell = Callable[[int, int, TaskResult], None]


@dataclass
class _Given:
    """Results of one task in one sort of tree, and how many of them the validation at hand has been given."""

    results: list[TaskResult] = field(default_factory=list)
    given: int = 0


class Validator(AbstractContextManager["Validator"]):
    """Validates patches of one workspace, one after another.

    Args:
        workspace: whose `validate` settings say how tasks are run.
        rules: asked of every run.
        env: variables to set for the command.
        replays: recorded runs that are tasks, by the task's name.
        tell: told after each run.
    """

    def __init__(
        self,
        workspace: Workspace,
        rules: Sequence[Rule],
        *,
        env: Mapping[str, str] | None = None,
        replays: Mapping[str, Replay] | None = None,
        tell: Tell | None = None,
    ) -> None:
        self.workspace, self.rules, self.tell = workspace, rules, tell
        self.settings = workspace.settings.validation
        self._spool = tempfile.TemporaryDirectory(prefix="harnessfix-spool-")
        self.trials = Trials(workspace, rules, Path(self._spool.name), env or {}, replays or {})
        self.unfinished = Unfinished(workspace.folder, self._circumstances(env or {}))
        self._given: dict[tuple[str, bool], _Given] = {}
        self._lock = threading.Lock()

    def _circumstances(self, env: Mapping[str, str]) -> list[str]:
        replays = [f"{task}={replay.run}" for task, replay in self.trials.replays.items()]
        rules = [rule.code for rule in self.rules]
        return [__version__, self.settings.model_dump_json(), *rules, *replays, *(f"{k}={v}" for k, v in env.items())]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._spool.cleanup()
        if error is None:
            self.unfinished.done()

    def validate(self, patch: Patch, tasks: Sequence[str], *, test_for: FlawRecord | None = None) -> Validation:
        """Prove one patch with these tasks.

        Args:
            patch: to prove.
            tasks: to run; none to stay with the free checks.
            test_for: its flaw, to get a regression test when the patch is accepted.

        Raises:
            PatchError: no private tree can be made.
        """
        self.trials.forget()
        with self._lock:
            self._given = {key: _Given(held.results) for key, held in self._given.items() if not key[1]}
        resumed = self.unfinished.found
        plan = Plan(
            static=self._static,
            tasks=tasks,
            run_task=self._run_task if tasks else None,
            jobs=self.settings.jobs,
            bounds=Bounds(repeats=self._repeats(tasks), newly_failing=self.settings.max_newly_failing),
            limits=self.trials.sandbox.stated_limits(self.trials.limits),
            progress=self.tell,
            regression=None if test_for is None else partial(self._regression, test_for, patch),
        )
        found = validate(self.trials.root, patch, plan)
        notes = [f"{task}: {note}" for task in tasks for note in self.trials.notes(task)]
        if self.unfinished.found > resumed:
            notes.append(f"{self.unfinished.found - resumed} runs are those of an interrupted validation")
        return found.model_copy(update={"notes": (*found.notes, *notes)}) if notes else found

    def _repeats(self, tasks: Sequence[str]) -> int:
        """At least two, to see noise; more cannot be learned from replays."""
        return 2 if all(task in self.trials.replays for task in tasks) else max(2, self.settings.repeats)

    def telling_tasks(self, flaw: FlawRecord | None, tasks: Sequence[str]) -> list[str]:
        """The tasks that can say something about a patch: those whose runs show the flaw, and those that passed.

        A task that fails for another reason, with the patch or without, proves nothing; all tasks when nothing is known
        of them.
        """
        rows = self.workspace.store.runs()
        seen = {row.task for row in rows}
        passed = {row.task for row in rows if row.outcome.value == "passed"}
        shows = {row.task for row in rows if flaw is not None and row.id in flaw.runs}
        return [task for task in tasks if task not in seen or task in passed or task in shows]

    # -- what the gate asks ----------------------------------------------------------------------------------------

    def _regression(
        self, flaw: FlawRecord, patch: Patch, before: Tree, after: Tree, rows: Sequence[TaskRow]
    ) -> RegressionTest:
        row = telling_row(flaw.flaw, rows)
        replay = self.trials.replays.get(row.task) if row is not None else None
        command = self.trials.command(row.task) if row is not None else []
        test = write_test(flaw, patch, command, replay)
        return proved(test, before, after, self.trials.sandbox, self.trials.limits, self.trials.env)

    def _static(self, folder: Path) -> Iterable[str]:
        """Flaw ids that the source below `folder` shows."""
        return [one.flaw for one in diagnose_source(self.trials.model(folder), self.rules).diagnoses]

    def _run_task(self, task: str, tree: Tree) -> TaskResult:
        """A run that was made before, in this session or in one that was interrupted, else a new one."""
        with self._lock:
            held = self._given.setdefault((task, bool(tree.patches)), _Given())
            number, held.given = held.given, held.given + 1
            if number < len(held.results):
                return held.results[number]
        key = self.unfinished.key(task, tree, number)
        result = self.unfinished.get(key)
        if result is None:
            result = self.trials.run(task, tree)
            self.unfinished.put(key, result)
        with self._lock:
            held.results.append(result)
        return result

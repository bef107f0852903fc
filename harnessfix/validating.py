"""Proving patches with the user's own tasks: what the gate asks for, answered by recording and diagnosing.

Each task runs in a private tree with the probe beside it, so that the gate sees not only whether it passed but also
which flaws its run shows. Runs of the unpatched tree are made once and shared by all patches of a session.
"""

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from harnessfix.diagnoser import diagnose_run, diagnose_source
from harnessfix.rules import Rule
from harnessfix.workspace import Workspace
from harnessfix_collectors.readers import read_bytes
from harnessfix_collectors.record import RUNTIME, record
from harnessfix_ir.compiler import compile_run
from harnessfix_ir.errors import HarnessfixError
from harnessfix_ir.findings import FlawRecord
from harnessfix_ir.harness import HarnessModel
from harnessfix_repairs.patch import Patch
from harnessfix_repairs.validation.documents import Validation
from harnessfix_repairs.validation.gate import Bounds, Plan, validate
from harnessfix_repairs.validation.runner import TaskResult
from harnessfix_repairs.validation.sandbox import Limits, Sandbox
from harnessfix_repairs.validation.worktree import Tree

Tell = Callable[[int, int, TaskResult], None]


@dataclass
class _Baseline:
    """Results of one task in the unpatched tree, and how many of them the patch at hand has been given."""

    results: list[TaskResult] = field(default_factory=list)
    given: int = 0


class Validator(AbstractContextManager["Validator"]):
    """Validates patches of one workspace, one after another.

    Args:
        workspace: whose `validate` settings say how tasks are run.
        rules: asked of every run.
        env: variables to set for the command.
        tell: told after each run.
    """

    def __init__(
        self,
        workspace: Workspace,
        rules: Sequence[Rule],
        *,
        env: dict[str, str] | None = None,
        tell: Tell | None = None,
    ) -> None:
        self.workspace, self.rules, self.env, self.tell = workspace, rules, env or {}, tell
        self.settings = workspace.settings.validation
        self.roots = workspace.roots()
        self.root = Path(workspace.model(self.roots).root)
        self.sandbox = Sandbox()
        self._spool = tempfile.TemporaryDirectory(prefix="harnessfix-spool-")
        self._baseline: dict[str, _Baseline] = {}
        self._models: dict[Path, HarnessModel] = {}
        self._lock = threading.Lock()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._spool.cleanup()

    @property
    def limits(self) -> Limits:
        """Bounds of one run."""
        return Limits(
            seconds=self.settings.timeout,
            writable=(Path(self._spool.name),),
            readable=tuple(_environments({**os.environ, **self.env})),
        )

    def validate(self, patch: Patch, tasks: Sequence[str]) -> Validation:
        """Prove one patch with these tasks. Raises `PatchError` when no private tree can be made."""
        with self._lock:
            self._models.clear()
            for held in self._baseline.values():
                held.given = 0
        plan = Plan(
            static=self._static,
            tasks=tasks,
            run_task=self._run_task if tasks else None,
            jobs=self.settings.jobs,
            bounds=Bounds(repeats=max(2, self.settings.repeats), newly_failing=self.settings.max_newly_failing),
            limits=self.sandbox.stated_limits(self.limits),
            progress=self.tell,
        )
        return validate(self.root, patch, plan)

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

    def _static(self, folder: Path) -> Iterable[str]:
        """Flaw ids that the source below `folder` shows."""
        model = self._read(folder)
        return [diagnosis.flaw for diagnosis in diagnose_source(model, self.rules).diagnoses]

    def _run_task(self, task: str, tree: Tree) -> TaskResult:
        if tree.patches:
            return self._record(task, tree)
        with self._lock:
            held = self._baseline.setdefault(task, _Baseline())
            number, held.given = held.given, held.given + 1
            if number < len(held.results):
                return held.results[number]
        result = self._record(task, tree)
        with self._lock:
            held.results.append(result)
        return result

    def _record(self, task: str, tree: Tree) -> TaskResult:
        inside = bool(self.sandbox.bubblewrap)
        base = tree.original if inside else tree.path
        model = self._read(tree.path)
        command = self.sandbox.wrap(self.settings.argv(task), tree, self.limits)
        result = record(
            command,
            model=model.model_copy(update={"root": str(base)}),
            spool_root=Path(self._spool.name),
            include=self.workspace.settings.probe.include,
            exclude=self.workspace.settings.probe.exclude,
            task=task,
            cwd=base,
            env=self.sandbox.environment(tree, self.env),
            timeout=self.settings.timeout,
            quiet=True,
        )
        result.discard()
        timed_out = result.exit_code == 124
        return TaskResult(
            task=task,
            passed=result.exit_code == 0,
            exit_code=None if timed_out else result.exit_code,
            seconds=self._seconds(result.data),
            flaws=tuple(self._flaws(result.data, model)),
        )

    @staticmethod
    def _seconds(data: bytes) -> float:
        runs = [recording.run for recording in read_bytes(data, "validation", "harnessfix-probe")]
        starts = [run.started_ns for run in runs if run.started_ns is not None]
        ends = [run.ended_ns for run in runs if run.ended_ns is not None]
        return (max(ends) - min(starts)) / 1e9 if starts and ends else 0.0

    def _flaws(self, data: bytes, model: HarnessModel) -> Iterable[str]:
        for recording in read_bytes(data, "validation", "harnessfix-probe"):
            htir = compile_run(recording, model)
            yield from dict.fromkeys(diagnosis.flaw for diagnosis in diagnose_run(htir, model, self.rules).diagnoses)

    def _read(self, folder: Path) -> HarnessModel:
        with self._lock:
            if folder not in self._models:
                try:
                    roots = [folder / root.relative_to(self.root) for root in self.roots]
                except ValueError:
                    raise HarnessfixError(
                        "the harness lies in several places, of which no private tree can be made",
                        hint="Name one folder in `harness`.",
                    ) from None
                self._models[folder] = self.workspace.model(roots)
            return self._models[folder]


def _environments(environment: Mapping[str, str]) -> Iterator[Path]:
    """Folders that Python programs of this environment need: interpreters and packages, and the probe itself."""
    yield RUNTIME
    names = environment.get("PATH", "").split(os.pathsep) + environment.get("PYTHONPATH", "").split(os.pathsep)
    for folder in dict.fromkeys([Path(sys.prefix), *(Path(name) for name in names if name)]):
        if folder.is_absolute() and folder.is_dir():
            yield folder.parent if (folder.parent / "pyvenv.cfg").is_file() else folder

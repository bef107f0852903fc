"""One run of one task in a private tree: by the user's command, by pytest, or as the replay of a recorded run."""

import os
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from harnessfix.diagnoser import diagnose_run
from harnessfix.rules import Rule
from harnessfix.validation.replaying import Replay, Rerun, rerun_of
from harnessfix.workspace import Workspace
from harnessfix_collectors.document import FORMAT
from harnessfix_collectors.readers import read_bytes
from harnessfix_collectors.record import RUNTIME, RecordResult, record
from harnessfix_collectors.redaction import Scrubber
from harnessfix_ir.compiler import compile_run
from harnessfix_ir.errors import HarnessfixError
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_repairs.validation.runner import Replayed, TaskResult
from harnessfix_repairs.validation.sandbox import MARK, Limits, Sandbox, kill_marked
from harnessfix_repairs.validation.worktree import Tree

SAID = 300  # characters kept of what a command said last


class Trials:
    """Runs tasks with the probe beside them, so that it is known not only whether one passed but what it shows.

    Args:
        workspace: whose settings say how tasks are run.
        rules: asked of every run.
        spool: folder for what the probe writes.
        env: variables to set.
        replays: by task, the recorded run that it stands for.
    """

    def __init__(
        self,
        workspace: Workspace,
        rules: Sequence[Rule],
        spool: Path,
        env: Mapping[str, str],
        replays: Mapping[str, Replay],
    ) -> None:
        self.workspace, self.rules, self.spool, self.env = workspace, rules, spool, dict(env)
        self.settings = workspace.settings.validation
        self.replays = replays
        self.roots = workspace.roots()
        self.root = Path(workspace.model(self.roots).root)
        self.sandbox = Sandbox()
        self._asked_again: dict[str, str] = {}
        self._models: dict[Path, HarnessModel] = {}
        self._lock = threading.Lock()

    @property
    def limits(self) -> Limits:
        """Bounds of one run."""
        return Limits(
            seconds=self.settings.timeout,
            memory=None if self.settings.memory is None else self.settings.memory << 20,
            writable=(self.spool,),
            readable=tuple(_environments({**os.environ, **self.env})),
        )

    def forget(self) -> None:
        """The trees are others from now on."""
        with self._lock:
            self._models.clear()

    def command(self, task: str) -> list[str]:
        """The command of a task, as the settings or its recording have it."""
        replay = self.replays.get(task)
        return self.settings.argv(task) if replay is None else list(replay.command)

    def run(self, task: str, tree: Tree) -> TaskResult:
        """Run a task in a tree.

        Replies that are played back show on the unpatched tree, which is run first, whether they lead the recorded way;
        where they do not, the functions do more than reply, and are called from then on.
        """
        replay = self.replays.get(task)
        if replay is None or not replay.replies or task in self._asked_again:
            return self._run(task, tree, replay and replay.asked_again())
        result = self._run(task, tree, replay)
        if tree.patches or result.replay is None or not result.replay.difference:
            return result
        again = self._run(task, tree, replay.asked_again())
        if again.replay is not None and not again.replay.difference:
            self._asked_again[task] = result.replay.difference
            return again
        return result

    def notes(self, task: str) -> list[str]:
        """What to know of how a task was run."""
        replay = self.replays.get(task)
        notes = [] if replay is None else [*replay.notes]
        if task in self._asked_again:
            notes.append(
                f"with recorded replies the unpatched harness leaves the recording ({self._asked_again[task]}), as the "
                "function that asks the model does more than reply: it was asked again and compared"
            )
        return notes

    def _run(self, task: str, tree: Tree, replay: Replay | None) -> TaskResult:
        model = self.model(tree.path)
        result = self._record(task, tree, model, replay)
        result.discard()
        runs = [compile_run(one, model) for one in read_bytes(result.data, "validation", FORMAT)]
        rerun = rerun_of(replay, result.data, runs[0]) if replay is not None and runs else None
        found = [(run, diagnosis) for run in runs for diagnosis in diagnose_run(run, model, self.rules).diagnoses]
        timed_out = result.exit_code == 124
        return TaskResult(
            task=task,
            passed=result.exit_code == 0,
            exit_code=None if timed_out else result.exit_code,
            seconds=_seconds(runs),
            flaws=tuple(dict.fromkeys(self._proved(found, rerun, tree))),
            replay=None if rerun is None else _with_reach(rerun, found),
            error="" if replay is None or rerun is not None else "the replay left no run",
            stillborn="" if result.exit_code == 0 or any(run.steps for run in runs) else _said(result),
        )

    def _record(self, task: str, tree: Tree, model: HarnessModel, replay: Replay | None) -> RecordResult:
        inside = bool(self.sandbox.bubblewrap)
        base = tree.original if inside else tree.path
        mark = uuid4().hex
        argv = self.settings.argv(task) if replay is None else _moved(replay.command, tree.original, base)
        cwd = base if replay is None else _folder(replay.cwd, tree.original, base)
        try:
            return record(
                self.sandbox.wrap(argv, tree, self.limits),
                model=model.model_copy(update={"root": str(base)}),
                spool_root=self.spool,
                include=self.workspace.settings.probe.include,
                exclude=self.workspace.settings.probe.exclude,
                task=task,
                cwd=cwd,
                env=self.sandbox.environment(tree, {**self.env, MARK: mark}),
                timeout=self.settings.timeout,
                quiet=True,
                replay=replay.exchanges if replay is not None and replay.exchanges else None,
                replies=None if replay is None else replay.replies,
            )
        finally:
            kill_marked(mark)  # what left the program's group

    def _proved(self, found: Iterable[tuple[Htir, Diagnosis]], rerun: Rerun | None, tree: Tree) -> Iterator[str]:
        """Flaws of a run; of one that left its recording only those before it did, and the one that is repaired."""
        targets = {patch.flaw for patch in tree.patches}
        for run, diagnosis in found:
            step = diagnosis.responsible_step
            beyond = rerun is not None and step is not None and rerun.after_leaving(run.step(step))
            if not beyond or diagnosis.flaw in targets:
                yield diagnosis.flaw

    def model(self, folder: Path) -> HarnessModel:
        """The harness below a folder. Raises `HarnessfixError` when it lies in several places."""
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


def _with_reach(rerun: Rerun, found: Iterable[tuple[Htir, Diagnosis]]) -> Replayed:
    reach: dict[str, int] = {}
    for run, diagnosis in found:
        if diagnosis.responsible_step is not None:
            here = rerun.reach(run.step(diagnosis.responsible_step))
            reach[diagnosis.flaw] = min(here, reach.get(diagnosis.flaw, here))
    return rerun.replayed.model_copy(update={"reach": reach})


def _said(result: RecordResult) -> str:
    """What a command said last, without secrets and short enough to be compared and shown."""
    words = Scrubber().text(result.last_words)[:SAID]
    return f"{words} (exit code {result.exit_code})" if words else f"exit code {result.exit_code}, and no word of why"


def _seconds(runs: Sequence[Htir]) -> float:
    starts = [run.run.started_ns for run in runs if run.run.started_ns is not None]
    ends = [run.run.ended_ns for run in runs if run.run.ended_ns is not None]
    return (max(ends) - min(starts)) / 1e9 if starts and ends else 0.0


def _moved(command: Sequence[str], original: Path, base: Path) -> list[str]:
    """A recorded command with the places of the original that the tree has too turned to the tree's."""
    moved = []
    for word in command:
        place = Path(word)
        inside = place.is_absolute() and place.is_relative_to(original)
        there = base / place.relative_to(original) if inside else place
        moved.append(str(there) if inside and there.exists() else word)
    return moved


def _folder(cwd: Path | None, original: Path, base: Path) -> Path:
    if cwd is None:
        return base
    return base / cwd.relative_to(original) if cwd.is_relative_to(original) else cwd if cwd.is_dir() else base


def _environments(environment: Mapping[str, str]) -> Iterator[Path]:
    """Folders that Python programs of this environment need: interpreters and packages, and the probe itself."""
    yield RUNTIME
    names = environment.get("PATH", "").split(os.pathsep) + environment.get("PYTHONPATH", "").split(os.pathsep)
    for folder in dict.fromkeys([Path(sys.prefix), *(Path(name) for name in names if name)]):
        if folder.is_absolute() and folder.is_dir():
            yield folder.parent if (folder.parent / "pyvenv.cfg").is_file() else folder

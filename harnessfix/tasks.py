"""Run the user's own tasks, several at a time, each recorded; the store is written by one thread."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from harnessfix.pipeline import Collected, Pipeline
from harnessfix_collectors.record import RecordResult
from harnessfix_ir.errors import SettingsError


@dataclass(frozen=True)
class TaskRun:
    """One task, run once.

    Args:
        task: its name.
        passed: whether the command ended with 0.
        seconds: wall time.
        collected: the runs it left, its exit code and what could not be had.
    """

    task: str
    passed: bool
    seconds: float
    collected: Collected


def task_names(pipeline: Pipeline) -> list[str]:
    """Tasks of the settings. Raises `SettingsError` when they name none."""
    settings = pipeline.workspace.settings
    names = settings.validation.task_names(settings.root)
    if not names:
        where = settings.source or settings.root / "harnessfix.toml"
        raise SettingsError(
            f"{where}: no tasks are named",
            hint='Set `validate.command` ("python agent.py {task}") and `validate.tasks` or `validate.tasks-from`.',
        )
    return names


def run_tasks(
    pipeline: Pipeline,
    tasks: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    tell: Callable[[TaskRun], None] = lambda run: None,
) -> list[TaskRun]:
    """Run and record each task once.

    Args:
        pipeline: over the workspace whose `validate` settings say how.
        tasks: names.
        env: environment of the command; this process's when None.
        tell: told after each.

    Returns:
        In the order of `tasks`.
    """
    settings = pipeline.workspace.settings.validation
    done: dict[str, TaskRun] = {}
    pipeline.model(pipeline.workspace.roots())  # once, before the threads ask for it
    with ThreadPoolExecutor(max_workers=settings.jobs) as pool:
        started = {pool.submit(_timed, pipeline, task, env): task for task in tasks}
        for future, task in _as_done(started):
            result, seconds = future.result()
            run = TaskRun(task, result.exit_code == 0, seconds, pipeline.keep(result))
            done[task] = run
            tell(run)
    return [done[task] for task in tasks]


def _as_done(
    started: dict["Future[tuple[RecordResult, float]]", str],
) -> Iterator[tuple["Future[tuple[RecordResult, float]]", str]]:
    pending = set(started)
    try:
        while pending:
            ready, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in ready:
                yield future, started[future]
    finally:
        for future in pending:
            future.cancel()


def _timed(pipeline: Pipeline, task: str, env: Mapping[str, str] | None) -> tuple[RecordResult, float]:
    settings = pipeline.workspace.settings
    begun = time.monotonic()
    result = pipeline.run(
        settings.validation.argv(task),
        task=task,
        cwd=settings.root,
        env=env,
        timeout=settings.validation.timeout,
        quiet=True,
    )
    return result, time.monotonic() - begun


def with_interpreter_first(python: str) -> dict[str, str]:
    """This environment with the folder of an interpreter first on PATH, so that `python` means that one."""
    folder = str(Path(python).parent)
    return {**os.environ, "PATH": os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])}

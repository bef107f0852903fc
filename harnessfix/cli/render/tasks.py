"""Running all tasks, with a bar, and what came of them."""

from collections.abc import Mapping

from rich.text import Text

from harnessfix.cli import data, talk
from harnessfix.pipeline import Pipeline
from harnessfix.tasks import TaskRun, run_tasks, task_names
from harnessfix.words import counted


def record_tasks(pipeline: Pipeline, env: Mapping[str, str] | None = None, *, silent: bool = False) -> list[TaskRun]:
    """Record every task of the settings; returns all runs when silent, else those that passed if all did."""
    tasks = task_names(pipeline)
    with talk.progress("recording", len(tasks)) as bar:
        runs = run_tasks(pipeline, tasks, env=env, tell=lambda run: bar.advance(run.task))
    talk.warn(missing for run in runs for missing in run.collected.missing)
    if silent:
        return runs
    for run in runs:
        mark, style = ("✓", "green") if run.passed else ("✗", "red")
        data.show(Text.assemble((f"{mark} ", style), run.task, (f"  {run.seconds:.1f} s", "dim")))
    passed = sum(run.passed for run in runs)
    data.show(Text(f"{passed} of {counted(len(runs), 'task')} passed", style="bold"))
    return runs if passed == len(runs) else []

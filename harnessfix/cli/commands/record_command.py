"""`harnessfix record -- COMMAND`."""

import click

from harnessfix.cli import data
from harnessfix.cli.options import folder, format_option, harness_option, store_option


@click.command("record", context_settings={"ignore_unknown_options": False})
@click.argument("program", nargs=-1, type=click.UNPROCESSED)
@click.option("--tasks", is_flag=True, help="Run and record every task of the configuration instead of PROGRAM.")
@harness_option
@click.option("--task", default="", metavar="NAME", help="Name of the task, to compare its runs with each other.")
@click.option("--no-probe", is_flag=True, help="Do not instrument the harness; keep only what it emits itself.")
@click.option("--timeout", type=float, metavar="SECONDS", help="End the program after this long.")
@format_option("text", "json")
@store_option
def command(
    program: tuple[str, ...],
    tasks: bool,
    harness: tuple[str, ...],
    task: str,
    no_probe: bool,
    timeout: float | None,
    output_format: str,
    store: str | None,
) -> None:
    """Run PROGRAM and record every step of its agent: nothing in it is changed, and its exit code is passed on.

    \b
    harnessfix record -- python agent.py "book a table"
    harnessfix record --harness minisweagent -- /other/venv/bin/python run.py
    harnessfix record --tasks
    """
    if bool(program) == tasks:
        raise click.UsageError("give a program after `--`, or --tasks")
    from harnessfix.cli import talk
    from harnessfix.pipeline import Pipeline
    from harnessfix.workspace import Workspace

    workspace = Workspace.open(folder(None), store=store, create=True)
    if tasks:
        from harnessfix.cli.render.tasks import record_tasks

        raise SystemExit(0 if record_tasks(Pipeline(workspace)) else 1)
    collected = Pipeline(workspace).record(program, harness=harness, probe=not no_probe, task=task, timeout=timeout)
    talk.warn(collected.missing)
    rows = {row.id: row for row in workspace.store.runs(limit=None)} if collected.runs else {}
    for run in collected.runs:
        row = rows[run]
        talk.note(f"recorded {row.short_id}: {row.steps} steps, {row.errors} errors, {row.outcome.value}", "dim")
    if output_format == "json":
        document = {"schema": "harnessfix.record/1", "runs": list(collected.runs), "exit_code": collected.exit_code}
        data.dump({**document, "missing": list(collected.missing)})
    elif collected.runs:
        talk.note(f"next: harnessfix show {rows[collected.runs[-1]].short_id}   or   harnessfix check", "dim")
    raise SystemExit(collected.exit_code)

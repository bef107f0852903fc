"""`harnessfix show RUN [STEP]`."""

import click

from harnessfix.cli import data
from harnessfix.cli.options import folder, format_option, store_option


@click.command("show")
@click.argument("run", default="latest")
@click.argument("step", required=False)
@click.option("--full", is_flag=True, help="With STEP: print texts whole.")
@format_option("text", "json")
@store_option
def command(run: str, step: str | None, full: bool, output_format: str, store: str | None) -> None:
    """Tell RUN (an id, its beginning, a task, or `latest`) as a story; with STEP, everything about one step.

    JSON is the compiled run (HTIR), with its steps, links and texts.
    """
    from harnessfix.pipeline import Pipeline
    from harnessfix.workspace import Workspace

    workspace = Workspace.open(folder(None), store=store)
    run_id = workspace.run_id(run)
    pipeline = Pipeline(workspace)
    htir = pipeline.compile(run_id)
    if output_format == "json":
        from harnessfix_ir.serial import dump_htir

        click.echo(dump_htir(htir).encode("utf-8", "backslashreplace").decode("utf-8"), nl=False)
        return
    from harnessfix.cli import talk
    from harnessfix.cli.render.story import run_heading, story
    from harnessfix.cli.render.verdicts import comparison_view, verdict_view
    from harnessfix.judging import compare_with_passed, judge_one

    if step is not None:
        from harnessfix.cli.render.step import step_view
        from harnessfix_ir.errors import StoreError

        if step not in {held.id for held in htir.steps}:
            last = htir.steps[-1].id if htir.steps else "none"
            raise StoreError(f"run {run_id[:8]} has no step {step!r}", hint=f"Its steps are s1 to {last}.")
        data.show(step_view(htir, step, full=full))
        return
    data.show(run_heading(htir))
    verdict = judge_one(pipeline, htir)
    if verdict is not None:
        data.show(verdict_view(verdict, htir))
    beside = compare_with_passed(pipeline, htir)
    if beside is not None:
        data.show(comparison_view(beside))
    if verdict is not None or beside is not None:
        data.show("")
    data.show(story(htir, workspace.store.diagnoses(run_id=run_id), data.console().width))
    talk.warn(htir.incomplete)
    talk.note(f"next: harnessfix show {run_id[:8]} STEP   or   harnessfix check", "dim")

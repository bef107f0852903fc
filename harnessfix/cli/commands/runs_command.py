"""`harnessfix runs`."""

import click

from harnessfix.cli import data
from harnessfix.cli.options import folder, format_option, store_option


@click.command("runs")
@click.option("--outcome", type=click.Choice(["passed", "failed", "unknown"]), help="Only runs that ended so.")
@click.option("--task", metavar="NAME", help="Only runs of this task.")
@click.option("--flaw", metavar="ID", help="Only runs that show this flaw.")
@click.option("--tool", metavar="NAME", help="Only runs in which this tool was called.")
@click.option("--text", metavar="WORDS", help="Only runs with these words in a step.")
@click.option("--limit", type=int, default=30, show_default=True, help="At most this many, newest first.")
@format_option("text", "json")
@store_option
def command(
    outcome: str | None,
    task: str | None,
    flaw: str | None,
    tool: str | None,
    text: str | None,
    limit: int,
    output_format: str,
    store: str | None,
) -> None:
    """List the recorded runs, newest first."""
    from harnessfix.workspace import Workspace
    from harnessfix_ir.vocabulary import Outcome

    workspace = Workspace.open(folder(None), store=store)
    wanted = None if outcome is None else Outcome(outcome)
    rows = workspace.store.runs(outcome=wanted, task=task, flaw=flaw, tool=tool, text=text, limit=limit)
    if output_format == "json":
        data.dump({"schema": "harnessfix.runs/1", "runs": [row.model_dump(mode="json") for row in rows]})
        return
    from harnessfix.cli import talk
    from harnessfix.cut_off import cut_off

    left = cut_off(workspace.spool_folder)
    if rows:
        from harnessfix.cli.render.runs import runs_table

        data.show(runs_table(rows))
    else:
        talk.note("no runs" if any((outcome, task, flaw, tool, text)) else "no runs yet")
        if not left:
            talk.note("hint: harnessfix record -- python your_agent.py", "cyan")
    for each in left:
        talk.note(f"{each.what}: {each.advice}", "cyan")

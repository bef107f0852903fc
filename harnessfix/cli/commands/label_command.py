"""`harnessfix label RUN OUTCOME`."""

import click

from harnessfix.cli import data
from harnessfix.cli.options import folder, store_option


@click.command("label")
@click.argument("run")
@click.argument("outcome", type=click.Choice(["passed", "failed", "unknown"]))
@click.option("--score", type=float, help="Any number, larger is better.")
@click.option("--reason", default="", help="Why, in words.")
@store_option
def command(run: str, outcome: str, score: float | None, reason: str, store: str | None) -> None:
    """Say whether RUN (an id, its beginning, a task, or `latest`) passed or failed; your word beats the exit code."""
    from harnessfix.workspace import Workspace
    from harnessfix_ir.vocabulary import Outcome

    workspace = Workspace.open(folder(None), store=store)
    run_id = workspace.run_id(run)
    workspace.store.label(run_id, Outcome(outcome), by="user", score=score, reason=reason)
    data.show(f"{run_id[:8]} is now {outcome}")

"""`harnessfix report`: tables over runs."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from harnessfix.cli import data
from harnessfix.cli.options import folder, format_option, store_option

if TYPE_CHECKING:
    from harnessfix_ir.htir import Htir

run_option = click.option("--run", "runs", multiple=True, metavar="RUN", help="Only these runs [default: all].")


@click.group("report")
def command() -> None:
    """Tables over the runs of this store: what they spend, and on what."""


@command.command("cache")
@run_option
@format_option("text", "json")
@store_option
def cache(runs: tuple[str, ...], output_format: str, store: str | None) -> None:
    """How much of each request a provider's prompt cache could have reused, and what broke it.

    One run is told request by request.
    """
    from harnessfix.cli.render.costs import cache_of_run, cache_of_runs
    from harnessfix.diagnoser.costs.prefixes import cache_use
    from harnessfix.reports.costs_json import cache_document

    found = [cache_use(run) for run in _compiled(runs, store)]
    if output_format == "json":
        data.dump(cache_document(found))
    elif len(found) == 1:
        data.show(cache_of_run(found[0]))
    else:
        data.show(cache_of_runs(found))


@command.command("memory")
@run_option
@format_option("text", "json")
@store_option
def memory(runs: tuple[str, ...], output_format: str, store: str | None) -> None:
    """What each memory backend is written and read, what of it reached the model, and what was never read."""
    from harnessfix.cli.render.costs import memory_table
    from harnessfix.diagnoser.costs.memories import memory_use
    from harnessfix.reports.costs_json import memory_document

    found = memory_use(_compiled(runs, store))
    if output_format == "json":
        data.dump(memory_document(found))
    else:
        data.show(memory_table(found))


def _compiled(runs: tuple[str, ...], store: str | None) -> Iterator["Htir"]:
    from harnessfix.cli import talk
    from harnessfix.pipeline import Pipeline
    from harnessfix.workspace import Workspace

    workspace = Workspace.open(folder(None), store=store)
    pipeline = Pipeline(workspace)
    wanted = [workspace.run_id(run) for run in runs] or [row.id for row in workspace.store.runs()]
    with talk.progress("reading", len(wanted)) as bar:
        for run_id in wanted:
            yield pipeline.compile(run_id)
            bar.advance(run_id[:8])

"""`harnessfix validate [FLAW ...]`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harnessfix.cli import data
from harnessfix.cli.options import folder, format_option, source_option, store_option

if TYPE_CHECKING:
    from harnessfix_repairs.validation.documents import RegressionTest


@click.command("validate")
@click.argument("flaws", nargs=-1)
@click.option("--all-tasks", is_flag=True, help="Run every task, also those that fail for other reasons.")
@click.option(
    "--task", "tasks", multiple=True, metavar="NAME", help="Run this task, or this pytest node id; repeatable."
)
@click.option(
    "--replay",
    "replays",
    multiple=True,
    metavar="RUN",
    help="Run this recorded run again, its model's answers taken from the recording; repeatable.",
)
@click.option(
    "--replay-tools",
    is_flag=True,
    help="With --replay: play back what tools returned, and exchanges that ask no model, too.",
)
@click.option(
    "--tests",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a regression test of each patch that no check refused to this folder, if it fails without the patch.",
)
@source_option
@format_option("text", "json")
@store_option
def command(
    flaws: tuple[str, ...],
    all_tasks: bool,
    tasks: tuple[str, ...],
    replays: tuple[str, ...],
    replay_tools: bool,
    tests: Path | None,
    harness: tuple[str, ...],
    output_format: str,
    store: str | None,
) -> None:
    """Prove the patches for FLAWS (beginnings of ids; all by default): run the tasks with and without each.

    Your files are not touched: tasks run in private git worktrees, as [tool.harnessfix.validate] says. Exit code 0 when
    every patch was accepted, 1 otherwise. Accepted is what runs have proved: a patch that passed the checks of its text
    and source while nothing was run is unproved.

    With --replay no model is asked: a patch is proved up to the first request that is not the recorded one.
    """
    from harnessfix.cli import talk
    from harnessfix.repair.proposing import Repairs
    from harnessfix.validation.proving import prove
    from harnessfix.validation.replaying import replay_of
    from harnessfix.validation.suggesting import tests_of

    repairs = Repairs.open(folder(None), store=store, harness=harness)
    recorded = [replay_of(repairs.workspace, run, tools=replay_tools) for run in replays]
    proposed = repairs.propose(flaws)
    talk.warn([f"{none.rule} {none.flaw}: {none.reason}" for none in proposed.unrepaired], "no patch")
    with talk.progress("validating", None) as bar:
        proofs = prove(
            repairs,
            proposed,
            all_tasks=all_tasks,
            tasks=tasks,
            replays=recorded,
            tests=tests is not None,
            tell=bar.move,
        )
    if tests is not None:
        for proof in proofs:
            _keep(tests, proof.validation.regression)
    if output_format == "json":
        documents = [proof.validation.model_dump(mode="json") for proof in proofs]
        data.dump({"schema": "harnessfix.validate/1", "validations": documents})
    else:
        from harnessfix.cli.render.proofs import print_proofs

        root = repairs.workspace.settings.root
        print_proofs(proofs, runs=repairs.runs, tests=lambda: tests_of(root, proposed.patches))
    if not proofs or not all(proof.validation.accepted for proof in proofs):
        raise SystemExit(1)


def _keep(folder: Path, test: "RegressionTest | None") -> None:
    """Write a test that was proved; say why another is not written."""
    from harnessfix.cli import talk

    if test is None:
        return
    if not test.proved:
        talk.warn([f"{test.name}: {test.reason}"], "no test")
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / test.name).write_text(test.text, "utf-8")
    if test.answers:
        (folder / test.name).with_suffix(".json").write_text(test.answers, "utf-8")
    talk.note(f"wrote {folder / test.name}: {test.reason}", "green")

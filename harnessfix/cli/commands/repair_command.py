"""`harnessfix repair [FLAW ...]`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harnessfix.cli import data
from harnessfix.cli.options import folder, format_option, rule_options, source_option, split_codes, store_option

if TYPE_CHECKING:
    from harnessfix.repair.proposing import Proposed, Repairs


@click.command("repair")
@click.argument("flaws", nargs=-1)
@click.option(
    "--diff", "action", flag_value="diff", default="diff", help="Print the patches and change no file [default]."
)
@click.option("--apply", "action", flag_value="apply", help="Apply the patches to your files.")
@click.option("--undo", "action", flag_value="undo", help="Take applied patches back (all, or those of FLAWS).")
@click.option(
    "--branch",
    metavar="NAME",
    default=None,
    help="Commit the patches, one each, on a new git branch; nothing else changes.",
)
@click.option("--unsafe-fixes", is_flag=True, help="With --apply and no FLAWS: apply unsafe patches too.")
@source_option
@rule_options
@format_option("text", "json", "diff", "markdown", "openspec")
@click.option(
    "--to",
    "target",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("openspec"),
    show_default=True,
    help="With --format openspec: the folder that gets the change proposals.",
)
@store_option
def command(
    flaws: tuple[str, ...],
    action: str,
    unsafe_fixes: bool,
    harness: tuple[str, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    output_format: str,
    target: Path,
    branch: str | None,
    store: str | None,
) -> None:
    """Propose a small patch for each flaw that the runs and the source show, or for FLAWS (beginnings of their ids).

    Without a recorded run, or with --harness, these are the flaws of the source alone.

    An unsafe patch changes what the harness does beyond the flaw: look at it first. It is applied when you name its
    flaw or give --unsafe-fixes. Exit code 1: there are patches (--diff), or something could not be done.

    --format markdown prints the body of a pull request for each patch; openspec writes change proposals.
    """
    from harnessfix.checking import harness_options
    from harnessfix.repair.proposing import Repairs

    repairs, options = Repairs.open(folder(None), store=store, harness=harness), harness_options(harness)
    if action == "undo":
        _undo(repairs, flaws)
        return
    proposed = repairs.propose(flaws, select=split_codes(select), ignore=split_codes(ignore))
    if branch is None or output_format != "text":
        _print(repairs, proposed, output_format, target, options)
    if branch is not None:
        raise SystemExit(_branch(repairs, proposed, branch))
    if action == "apply":
        raise SystemExit(_apply(repairs, proposed.patches, unsafe_fixes or bool(flaws), options))
    if proposed.patches or proposed.unrepaired:
        raise SystemExit(1)


def _print(repairs: "Repairs", proposed: "Proposed", output_format: str, target: Path, options: str) -> None:
    if output_format == "json":
        data.dump(proposed.document())
    elif output_format == "diff":
        for patch in proposed.patches:
            click.echo(patch.diff_bytes, nl=False)
    elif output_format in ("markdown", "openspec"):
        _hand_over(repairs, proposed, output_format, target)
    else:
        from harnessfix.cli.render.patches import print_proposals

        print_proposals(proposed, options)


def _hand_over(repairs: "Repairs", proposed: "Proposed", output_format: str, target: Path) -> None:
    from harnessfix.cli import talk
    from harnessfix.reports import openspec, pull_request

    for patch in proposed.patches:
        flaw, proof = proposed.flaws[patch.flaw], repairs.proof(patch)
        if output_format == "markdown":
            click.echo(pull_request.body(patch, flaw, proof))
            continue
        for name, text in openspec.change(patch, flaw, proof).items():
            place = target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, "utf-8", newline="")
        data.show(str(target / "changes" / openspec.change_id(patch, flaw)))
    talk.warn([f"{none.rule} {none.flaw}: {none.reason}" for none in proposed.unrepaired], "no patch")


def _branch(repairs: "Repairs", proposed: "Proposed", name: str) -> int:
    from harnessfix.cli import talk
    from harnessfix.repair.branching import make_branch

    proofs = {patch.id: proof for patch in proposed.patches if (proof := repairs.proof(patch)) is not None}
    made = make_branch(proposed.root, name, proposed.patches, proposed.flaws, proofs)
    for commit, patch in made.commits:
        talk.note(f"{commit[:12]} {patch.rule} {patch.operator} ({patch.flaw})", "green")
    for patch, reason in made.left:
        talk.warn([f"{patch.rule} {patch.flaw}: {reason}"], "not committed")
    talk.note(f"look at it: git log -p HEAD..{name}", "dim")
    return 1 if made.left else 0


def _apply(repairs: "Repairs", patches: list, unsafe: bool, options: str) -> int:  # type: ignore[type-arg]
    from harnessfix.cli import talk

    applied, left = repairs.apply(patches, unsafe=unsafe)
    for patch in applied:
        talk.note(f"applied {patch.id} ({patch.rule}, +{patch.added} -{patch.removed} lines)", "green")
    for patch, reason in left:
        talk.warn([f"{patch.id} ({patch.rule}): {reason}"], "not applied")
    if applied:
        talk.note(f"take it back: harnessfix repair --undo{options}   prove it: harnessfix validate{options}", "dim")
    return 1 if left else 0


def _undo(repairs: "Repairs", flaws: tuple[str, ...]) -> None:
    from harnessfix.cli import talk

    undone = repairs.undo(flaws)
    for patch in undone:
        data.show(f"took back {patch.id} ({patch.rule} in {', '.join(file.path for file in patch.files)})")
    if not undone:
        talk.note("no patch is applied here")

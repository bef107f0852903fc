"""`harnessfix repair [FLAW ...]`."""

from typing import TYPE_CHECKING

import click

from harnessfix.cli import data
from harnessfix.cli.options import folder, format_option, rule_options, split_codes, store_option

if TYPE_CHECKING:
    from harnessfix.repairing import Repairs


@click.command("repair")
@click.argument("flaws", nargs=-1)
@click.option(
    "--diff", "action", flag_value="diff", default="diff", help="Print the patches and write nothing [default]."
)
@click.option("--apply", "action", flag_value="apply", help="Apply the patches to your files.")
@click.option("--undo", "action", flag_value="undo", help="Take applied patches back (all, or those of FLAWS).")
@click.option("--unsafe-fixes", is_flag=True, help="With --apply and no FLAWS: apply unsafe patches too.")
@rule_options
@format_option("text", "json", "diff")
@store_option
def command(
    flaws: tuple[str, ...],
    action: str,
    unsafe_fixes: bool,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    output_format: str,
    store: str | None,
) -> None:
    """Propose a small patch for each flaw of the last check, or for FLAWS (beginnings of their ids).

    An unsafe patch changes what the harness does beyond the flaw: look at it first. It is applied when you name its
    flaw or give --unsafe-fixes. Exit code 1: there are patches (--diff), or something could not be done.
    """
    from harnessfix.repairing import Repairs

    repairs = Repairs.open(folder(None), store=store)
    if action == "undo":
        _undo(repairs, flaws)
        return
    proposed = repairs.propose(flaws, select=split_codes(select), ignore=split_codes(ignore))
    if output_format == "json":
        data.dump(proposed.document())
    elif output_format == "diff":
        for patch in proposed.patches:
            click.echo(patch.diff_bytes, nl=False)
    else:
        from harnessfix.cli.render.patches import print_proposals

        print_proposals(proposed)
    if action == "apply":
        raise SystemExit(_apply(repairs, proposed.patches, unsafe_fixes or bool(flaws)))
    if proposed.patches or proposed.unrepaired:
        raise SystemExit(1)


def _apply(repairs: "Repairs", patches: list, unsafe: bool) -> int:  # type: ignore[type-arg]
    from harnessfix.cli import talk

    applied, left = repairs.apply(patches, unsafe=unsafe)
    for patch in applied:
        talk.note(f"applied {patch.id} ({patch.rule}, +{patch.added} -{patch.removed} lines)", "green")
    for patch, reason in left:
        talk.warn([f"{patch.id} ({patch.rule}): {reason}"], "not applied")
    if applied:
        talk.note("take it back: harnessfix repair --undo   prove it: harnessfix validate", "dim")
    return 1 if left else 0


def _undo(repairs: "Repairs", flaws: tuple[str, ...]) -> None:
    from harnessfix.cli import talk

    undone = repairs.undo(flaws)
    for patch in undone:
        data.show(f"took back {patch.id} ({patch.rule} in {', '.join(file.path for file in patch.files)})")
    if not undone:
        talk.note("no patch is applied here")

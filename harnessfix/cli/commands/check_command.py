"""`harnessfix check`."""

import click

from harnessfix.cli import data
from harnessfix.cli.options import folder, format_option, harness_option, rule_options, split_codes, store_option


@click.command("check")
@click.argument("paths", nargs=-1)
@harness_option
@click.option("--run", "runs", multiple=True, metavar="RUN", help="Only these runs; repeatable [default: all].")
@rule_options
@format_option("text", "json", "concise", "github")
@click.option("--exit-zero", is_flag=True, help="Exit 0 even with findings.")
@store_option
def command(
    paths: tuple[str, ...],
    harness: tuple[str, ...],
    runs: tuple[str, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    output_format: str,
    exit_zero: bool,
    store: str | None,
) -> None:
    """Name the flaws in the runs of this store and in the harness they came from.

    With PATHS (folders, or installed packages by name) that source alone is checked, and no store is needed.
    """
    from harnessfix.checking import check_paths, check_runs
    from harnessfix.cli import talk

    chosen = {"select": split_codes(select), "ignore": split_codes(ignore)}
    with talk.progress("diagnosing", None) as bar:
        if paths:
            found = check_paths(folder(None), paths, tell=bar.advance, **chosen)
        else:
            found = check_runs(folder(None), store=store, harness=harness, runs=runs, tell=bar.advance, **chosen)
    if output_format == "json":
        from harnessfix.reports.check_json import check_document

        data.dump(check_document(found.flaws, found.runs, found.incomplete, found.attributions.values()))
    else:
        from harnessfix.cli.render.findings import print_findings

        print_findings(found, output_format)
    if found.flaws and not exit_zero:
        raise SystemExit(1)

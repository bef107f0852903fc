"""`harnessfix check`."""

import click

from harnessfix.cli import data
from harnessfix.cli.options import (
    folder,
    format_option,
    harness_option,
    jobs_option,
    rule_options,
    split_codes,
    store_option,
)
from harnessfix.engines import ENGINES, choose_engine
from harnessfix.words import counted


@click.command("check")
@click.argument("paths", nargs=-1)
@harness_option
@click.option("--run", "runs", multiple=True, metavar="RUN", help="Only these runs; repeatable [default: all].")
@rule_options
@format_option("text", "json", "concise", "github")
@click.option("--llm", metavar="MODEL", help="Ask this model about failed runs that no rule explains [default: none].")
@click.option("--baseline", metavar="FILE", help="Leave out the flaws that this file holds [default: as configured].")
@click.option(
    "--write-baseline", is_flag=True, help="Write all flaws to the baseline; later checks tell new ones only."
)
@click.option("--exit-zero", is_flag=True, help="Exit 0 even with findings.")
@jobs_option
@click.option(
    "--engine", type=click.Choice(ENGINES), default=ENGINES[0], show_default=True, help="Where the work is done."
)
@click.option("--blocks", metavar="FOLDER|URL", help="Read the runs' bytes from this copy instead of the store.")
@store_option
def command(
    paths: tuple[str, ...],
    harness: tuple[str, ...],
    runs: tuple[str, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    output_format: str,
    llm: str | None,
    baseline: str | None,
    write_baseline: bool,
    exit_zero: bool,
    jobs: int,
    engine: str,
    blocks: str | None,
    store: str | None,
) -> None:
    """Name the flaws in the runs of this store and in the harness they came from.

    With PATHS (folders, or installed packages by name) that source alone is checked, and no store is needed.
    """
    from harnessfix.baseline import write_baseline as write_to
    from harnessfix.checking import baseline_file, check_paths, check_runs, leave_out_known, repair_options
    from harnessfix.cli import talk

    chosen = {"select": split_codes(select), "ignore": split_codes(ignore)}
    with talk.progress("diagnosing", None) as bar:
        if paths:
            found = check_paths(folder(None), paths, tell=bar.advance, **chosen)
        else:
            found = check_runs(
                folder(None),
                store=store,
                harness=harness,
                runs=runs,
                llm=llm,
                engine=lambda count: choose_engine(engine, jobs, units=count),
                blocks=blocks,
                tell=bar.advance,
                expect=bar.expect,
                **chosen,
            )
    known_file = baseline_file(folder(None), baseline, write=write_baseline)
    if write_baseline and known_file is not None:
        write_to(known_file, found.flaws)
        talk.note(f"wrote {counted(len(found.flaws), 'flaw')} to {known_file}")
        return
    if known_file is not None:
        leave_out_known(found, known_file)
    if output_format == "json":
        from harnessfix.reports.check_json import check_document

        verdicts = found.attributions.values()
        data.dump(check_document(found.flaws, found.runs, found.incomplete, verdicts, found.suspects, found.notes))
    else:
        from harnessfix.cli.render.findings import print_findings

        print_findings(found, output_format, repair_options(folder(None), paths))
    if not exit_zero and any(flaw.best.blames for flaw in found.flaws):
        raise SystemExit(1)

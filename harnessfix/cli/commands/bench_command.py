"""`harnessfix bench NAME`."""

from pathlib import Path
from typing import Any

import click

from harnessfix.cli import data
from harnessfix.cli.options import format_option

NAMES = (
    "links",
    "compile",
    "diagnose",
    "harness-model",
    "store",
    "overhead",
    "throughput",
    "kills",
    "receiver",
    "planted",
    "healthy",
    "realbugs",
    "repair",
    "harness-fixes",
)


@click.command("bench")
@click.argument("name", type=click.Choice(NAMES))
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--case", "chosen", multiple=True, metavar="NAME", help="Only these cases of FOLDER; repeatable.")
@click.option(
    "--repositories",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="harness-fixes: folder of the git repositories that the cases come from.",
)
@click.option("--long", is_flag=True, help="receiver: send a million spans, too, and watch its memory.")
@click.option("--phoenix", metavar="PYTHON", help="receiver: compare with arize-phoenix of that interpreter.")
@format_option("text", "json")
def command(
    name: str,
    folder: Path | None,
    chosen: tuple[str, ...],
    repositories: Path | None,
    long: bool,
    phoenix: str | None,
    output_format: str,
) -> None:
    """Measure: what harnessfix costs, or how right it is on the cases of FOLDER.

    realbugs takes a FOLDER of historical bugs, each with a script that provokes it; harness-fixes one of fixes from
    histories; repair repairs planted flaws and, with a FOLDER of bugs, those; the others make
    their own material (from a checkout).
    """
    from harnessfix.bench.report import bench_document, print_bench, run_benchmark

    if name == "realbugs":
        if folder is None:
            raise click.UsageError("realbugs takes the FOLDER of the cases")
        from harnessfix.bench import realbugs
        from harnessfix.cli import talk

        names = [case for case in realbugs.cases(folder) if not chosen or case in chosen]
        with talk.progress("cases", len(names)) as bar:
            found = realbugs.measure(folder, names, tell=bar.advance)
        document = bench_document(name, realbugs.metrics(found), [vars(case) for case in found])
    elif name == "harness-fixes":
        document = _harness_fixes(folder, chosen, repositories)
    elif name == "repair":
        document = _repair(folder, chosen)
    else:
        options = {"long": long, "phoenix_python": phoenix} if name == "receiver" else {}
        document = bench_document(name, run_benchmark(name, **options), [])
    if output_format == "json":
        data.dump(document)
    else:
        for line in print_bench(document):
            data.show(line)


def _harness_fixes(folder: Path | None, chosen: tuple[str, ...], repositories: Path | None) -> dict[str, Any]:
    if folder is None or repositories is None:
        raise click.UsageError("harness-fixes takes the FOLDER of the cases and --repositories DIR")
    from harnessfix.bench import harness_fixes
    from harnessfix.bench.report import bench_document
    from harnessfix.cli import talk

    cases = [case for case in harness_fixes.load(folder) if not chosen or case["id"] in chosen]
    with talk.progress("cases", len(cases)) as bar:
        found = harness_fixes.measure(cases, repositories, tell=bar.advance)
    return bench_document("harness-fixes", harness_fixes.metrics(found), [vars(fix) for fix in found])


def _repair(folder: Path | None, chosen: tuple[str, ...]) -> dict[str, Any]:
    from harnessfix.bench import guards, plants, realbugs, repairs
    from harnessfix.bench.report import bench_document
    from harnessfix.cli import talk

    names = [] if folder is None else [case for case in realbugs.cases(folder) if not chosen or case in chosen]
    with talk.progress("repairing", None) as bar:
        planted = plants.measure(tell=bar.advance) if not chosen else []
        fixes = repairs.measure(folder, names, tell=bar.advance) if folder is not None else []
    tried = guards.measure()
    figures = guards.metrics(tried)
    figures = (plants.metrics(planted) if planted else {}) | (repairs.metrics(fixes) if fixes else {}) | figures
    return bench_document("repair", figures, [vars(one) for one in (*planted, *fixes, *tried)])

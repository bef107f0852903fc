"""`harnessfix bench NAME`."""

from pathlib import Path

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
)


@click.command("bench")
@click.argument("name", type=click.Choice(NAMES))
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--case", "chosen", multiple=True, metavar="NAME", help="Only these cases of FOLDER; repeatable.")
@click.option("--long", is_flag=True, help="receiver: send a million spans, too, and watch its memory.")
@click.option("--phoenix", metavar="PYTHON", help="receiver: compare with arize-phoenix of that interpreter.")
@format_option("text", "json")
def command(
    name: str, folder: Path | None, chosen: tuple[str, ...], long: bool, phoenix: str | None, output_format: str
) -> None:
    """Measure: what harnessfix costs, or how right it is on the cases of FOLDER.

    realbugs takes a FOLDER of historical bugs, each with a script that provokes it; the others make their own material
    (from a checkout).
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
    else:
        options = {"long": long, "phoenix_python": phoenix} if name == "receiver" else {}
        document = bench_document(name, run_benchmark(name, **options), [])
    if output_format == "json":
        data.dump(document)
    else:
        for line in print_bench(document):
            data.show(line)

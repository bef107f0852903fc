"""`harnessfix bench NAME`."""

from pathlib import Path

import click

from harnessfix.cli import data
from harnessfix.cli.options import format_option

NAMES = ("links", "compile", "harness-model", "store", "planted", "healthy", "realbugs")


@click.command("bench")
@click.argument("name", type=click.Choice(NAMES))
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--case", "chosen", multiple=True, metavar="NAME", help="Only these cases of FOLDER; repeatable.")
@format_option("text", "json")
def command(name: str, folder: Path | None, chosen: tuple[str, ...], output_format: str) -> None:
    """Measure: what harnessfix costs, or how right it is on the cases of FOLDER.

    links, compile, harness-model, store, planted and healthy make their own material (from a checkout); realbugs takes
    a folder of historical bugs, each with a script that provokes it.
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
        document = bench_document(name, run_benchmark(name), [])
    if output_format == "json":
        data.dump(document)
    else:
        for line in print_bench(document):
            data.show(line)

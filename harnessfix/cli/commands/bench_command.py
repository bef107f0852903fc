"""`harnessfix bench [NAME]`."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harnessfix.cli import data
from harnessfix.cli.options import format_option

if TYPE_CHECKING:
    from harnessfix.bench.catalogue import Asked, Progress

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
    "repair",
    "realbugs",
    "traces",
    "harness-fixes",
)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
INTERRUPTED = 130


@click.command("bench")
@click.argument("name", required=False, type=click.Choice(NAMES))
@click.argument("folder", required=False, type=_FOLDER)
@click.option("--case", "chosen", multiple=True, metavar="NAME", help="Only these cases of FOLDER; repeatable.")
@click.option("--repositories", type=_FOLDER, help="Folder of the git repositories that cases come from.")
@click.option(
    "--material",
    type=_FOLDER,
    help="Without a name: folder that holds the folders realbugs, traces and harness-fixes.",
)
@click.option("--package-tests", type=_FOLDER, help="repair: tests of the packages, which the patches must not break.")
@click.option("--full", is_flag=True, help="Without a name: whole sizes, which take hours.")
@click.option("--long", is_flag=True, help="receiver: send a million spans, too, and watch its memory.")
@click.option("--phoenix", metavar="PYTHON", help="receiver: compare with arize-phoenix of that interpreter.")
@format_option("text", "json")
def command(
    name: str | None,
    folder: Path | None,
    chosen: tuple[str, ...],
    repositories: Path | None,
    material: Path | None,
    package_tests: Path | None,
    full: bool,
    long: bool,
    phoenix: str | None,
    output_format: str,
) -> None:
    """Measure: what harnessfix costs, and how right it is.

    Without a NAME everything is measured in quick sizes, a row for each figure that has an aim.

    realbugs takes a FOLDER of historical bugs, each with a script that provokes it; traces one of published trace
    sets; harness-fixes one of fixes from histories; repair repairs planted flaws and, with a FOLDER of bugs, those; the
    others make their own material (from a checkout).
    """
    from harnessfix.bench.catalogue import MEASUREMENTS, Asked
    from harnessfix.bench.report import print_bench
    from harnessfix.cli import talk

    whole = full or (name is not None and (long or name != "receiver"))
    asked = Asked(folder, repositories, chosen, full=whole, phoenix=phoenix, package_tests=package_tests)
    if name is None:
        _everything(asked, material, output_format)
        return
    measurement = MEASUREMENTS[name]
    if measurement.material and folder is None:
        raise click.UsageError(f"{name} takes the FOLDER of the cases: {measurement.usage}")
    with talk.progress(name, None) as bar:
        document = measurement.measure(asked, bar)
    if output_format == "json":
        data.dump(document)
    else:
        for line in print_bench(document):
            data.show(line)


def _everything(asked: "Asked", material: Path | None, output_format: str) -> None:
    from harnessfix.bench.catalogue import MEASUREMENTS
    from harnessfix.bench.everything import Whole, run_all
    from harnessfix.cli import talk

    whole = Whole()

    def progress(name: str) -> "AbstractContextManager[Progress]":
        return talk.progress(name, None)

    try:
        for line in run_all(list(MEASUREMENTS.values()), asked, material, whole, progress):
            if output_format == "text":
                data.show(line)
    except KeyboardInterrupt:
        talk.note("interrupted: what is printed was measured", style="yellow")
        raise click.exceptions.Exit(INTERRUPTED) from None
    finally:
        if output_format == "json":
            data.dump(whole.document())
    if whole.failed:
        raise click.exceptions.Exit(1)

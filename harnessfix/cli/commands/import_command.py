"""`harnessfix import FILES`."""

from pathlib import Path

import click

from harnessfix.cli import data
from harnessfix.cli.options import folder, format_option, store_option


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--from", "format_name", metavar="FORMAT", help="Format of the files [default: recognised by content].")
@format_option("text", "json")
@store_option
def command(files: tuple[Path, ...], format_name: str | None, output_format: str, store: str | None) -> None:
    """Read trace FILES that other tools wrote: OTLP JSON lines, mini-swe-agent trajectories.

    A file that cannot be read is named and skipped; the exit code is then 2.
    """
    from harnessfix.cli import talk
    from harnessfix.pipeline import Pipeline
    from harnessfix.workspace import Workspace
    from harnessfix_ir.errors import BadInputError

    pipeline = Pipeline(Workspace.open(folder(None), store=store, create=True))
    runs: list[str] = []
    refused = 0
    with talk.progress("reading", len(files)) as bar:
        for file in files:
            try:
                runs.extend(pipeline.import_file(file, format_name))
            except BadInputError as error:
                refused += 1
                talk.complain(error)
            bar.advance(file.name)
    if output_format == "json":
        data.dump({"schema": "harnessfix.import/1", "runs": runs, "refused": refused})
    else:
        data.show(f"{len(runs)} run{'s' if len(runs) != 1 else ''} from {len(files) - refused} of {len(files)} files")
        if runs:
            talk.note("next: harnessfix runs   or   harnessfix check", "dim")
    if refused:
        raise SystemExit(2)

"""`harnessfix import FILES`."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from harnessfix.cli import data
from harnessfix.cli.options import folder, format_option, jobs_option, store_option
from harnessfix.words import counted


class _WithFormats(click.Command):
    """Lists the formats at the end of its help, which is when the readers are loaded."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from harnessfix_collectors.readers import all_readers

        with formatter.section("Formats, recognised by content"):
            formatter.write_dl(sorted((reader.name, reader.title) for reader in all_readers()))


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Files as they are, of folders every file below them; hidden ones below a folder are left alone.

    The spool folder of a recording that was cut off is one file.
    """
    from harnessfix_collectors.unfinished import is_recording

    for path in paths:
        if not path.is_dir() or is_recording(path):
            yield path
            continue
        for found in sorted(path.rglob("*")):
            below = found.relative_to(path).parts
            if any(part.startswith(".") for part in below) or any(map(is_recording, _between(found, path))):
                continue
            if found.is_file() or (found.is_dir() and is_recording(found)):
                yield found


def _between(found: Path, path: Path) -> Iterator[Path]:
    """The folders that something lies in, below another folder."""
    return (parent for parent in found.parents if path in parent.parents)


@click.command("import", cls=_WithFormats)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--from", "format_name", metavar="FORMAT", help="Format of the files [default: recognised by content].")
@format_option("text", "json")
@jobs_option
@store_option
def command(files: tuple[Path, ...], format_name: str | None, output_format: str, jobs: int, store: str | None) -> None:
    """Read trace FILES that other tools wrote, gzip or not, of any size; of a folder every trace below it.

    Secrets are replaced before anything is stored. A file that cannot be read is named and skipped; the exit code is
    then 2. Of a recording whose `harnessfix record` was killed, name its folder: `harnessfix runs` says which.
    """
    from harnessfix.cli import talk
    from harnessfix.engines import WorkerDiedError, choose_engine
    from harnessfix.pipeline import Pipeline
    from harnessfix.stages.collect import Imported
    from harnessfix.workspace import Workspace
    from harnessfix_ir.errors import BadInputError, UnknownFormatError

    pipeline = Pipeline(Workspace.open(folder(None), store=store, create=True))
    imported: dict[Path, Imported] = {}
    refused = foreign = 0
    wanted = list(dict.fromkeys(_files(files)))
    with talk.progress("reading", len(wanted)) as bar:
        for done in pipeline.import_files(wanted, format_name, engine=choose_engine(jobs=jobs, units=len(wanted))):
            if done.result is not None:
                imported[done.part] = done.result
            elif isinstance(done.error, UnknownFormatError) and done.part not in files:
                foreign += 1  # what else lies in a folder is no mistake
            elif isinstance(done.error, BadInputError):
                refused += 1
                talk.complain(done.error)
            elif isinstance(done.error, WorkerDiedError):
                refused += 1
                talk.complain(BadInputError(f"{done.part}: {done.error}"))
            elif done.error is not None:
                raise done.error
            bar.advance(done.part.name)
    read = [imported[file] for file in wanted if file in imported]
    runs = [run for each in read for run in each.runs]
    redacted = sum(each.redacted for each in read)
    talk.warn(note for each in read for note in each.notes)
    if output_format == "json":
        data.dump({"schema": "harnessfix.import/1", "runs": runs, "refused": refused, "redacted": redacted})
    else:
        data.show(f"{counted(len(runs), 'run')} from {len(read)} of {counted(len(wanted), 'file')}")
        if foreign:
            talk.note(f"{counted(foreign, 'other file')} in folders, no traces that harnessfix knows")
        if redacted:
            talk.note(f"{counted(redacted, 'secret')} replaced before anything was stored")
        if runs:
            talk.note("next: harnessfix runs   or   harnessfix check", "dim")
    if refused:
        raise SystemExit(2)

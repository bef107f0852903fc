"""`harnessfix store`: look after the store itself."""

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harnessfix.cli import data, talk
from harnessfix.cli.options import folder, format_option, store_option
from harnessfix.words import counted

if TYPE_CHECKING:
    from harnessfix.store import Store

UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@click.group("store")
def command() -> None:
    """Look after the store: its size, old runs, copies of it."""


def _store(address: str | None) -> "Store":
    from harnessfix.workspace import Workspace

    return Workspace.open(folder(None), store=address).store


def _age(text: str | None) -> timedelta | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,6})([hdw])", text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no age; write 12h, 30d or 8w", param_hint="--older-than")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count} bytes"


@command.command("info")
@format_option("text", "json")
@store_option
def info(output_format: str, store: str | None) -> None:
    """Say what the store holds, and what it takes."""
    opened = _store(store)
    found, left = opened.info(), opened.work_left()
    if output_format == "json":
        data.dump({"schema": "harnessfix.store/1", **found.model_dump(mode="json"), "work_left": left})
        return
    data.show(f"{found.place}  ({found.engine}, version {found.version})")
    size = "" if found.bytes is None else f", {_size(found.bytes)}"
    data.show(f"{counted(found.runs, 'run')}, {counted(found.steps, 'step')}, {counted(found.flaws, 'flaw')}{size}")
    for use in found.cache:
        data.show(f"cache of {use.kind}: {use.entries} entries, {_size(use.bytes)}")
    if left:
        data.show(f"{left} parts of an interrupted check are left: the same `harnessfix check` goes on with them")


@command.command("prune")
@click.option("--older-than", metavar="AGE", help="Delete runs older than this: 12h, 30d, 8w.")
@click.option("--keep", type=click.IntRange(min=0), metavar="N", help="The newest N runs stay, however old.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@store_option
def prune(older_than: str | None, keep: int | None, dry_run: bool, store: str | None) -> None:
    """Delete old runs with all that hangs on them. `harnessfix store vacuum` gives the space back."""
    gone = _store(store).prune(older_than=_age(older_than), keep=keep, dry_run=dry_run)
    would = "would delete" if dry_run else "deleted"
    data.show(f"{would} {counted(len(gone.runs), 'run')}, {_size(gone.bytes)} of traces")


@command.command("vacuum")
@click.option("--drop-cache", is_flag=True, help="Delete compiled runs too; the next check makes them anew.")
@store_option
def vacuum(drop_cache: bool, store: str | None) -> None:
    """Give the space of what was deleted back to the disk.

    No trace of deleted runs is left then, but for bytes that they share with other runs, and for flaws that only they
    showed: those go with the next check.
    """
    opened = _store(store)
    before = opened.info().bytes
    opened.vacuum(drop_cache=drop_cache)
    after = opened.info().bytes
    if before is not None and after is not None:
        data.show(f"{_size(before)} before, {_size(after)} now")


@command.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@store_option
def export(file: Path, store: str | None) -> None:
    """Write everything into FILE, itself a store in one SQLite file; `merge` takes it in elsewhere."""
    count = _store(store).export(file)
    data.show(f"{counted(count, 'run')} in {file}")


@command.command("merge")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--own", is_flag=True, help="They were made here: believe which folders their runs came from.")
@store_option
def merge(files: tuple[Path, ...], own: bool, store: str | None) -> None:
    """Take in the stores in FILES: all of a file, or nothing of it. What is known already stays as it is.

    The settings here say which folders are read as the harness of their runs, and no command of theirs is run. With
    --own they are treated like runs of this store.
    """
    from harnessfix.workspace import Workspace

    opened = Workspace.open(folder(None), store=store, create=True).store
    for file in files:
        merged = opened.import_(file, own=own)
        data.show(f"{file}: {len(merged.added)} new, {len(merged.updated)} newer, {merged.known} known runs")


@command.command("copy-blocks")
@click.argument("address", metavar="FOLDER|URL")
@store_option
def copy_blocks(address: str, store: str | None) -> None:
    """Copy the runs' original bytes to a folder or an object store, for `harnessfix check --blocks`."""
    count = _store(store).copy_blocks(address)
    data.show(f"{counted(count, 'block')} copied")
    talk.note(f"next: harnessfix check --engine ray --blocks {address}", "dim")

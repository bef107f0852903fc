"""Export and import. An export is a store in one SQLite file, so it has no format of its own to grow old.

Both are the same copy from one store into another, which goes by ids; the keys of the other store mean nothing here.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from harnessfix_ir.errors import StoreError

from . import merge, schema
from .database import Database
from .documents import Merged
from .place import Place
from .trouble import explained, translated


def export(database: Database, path: Path) -> int:
    """Write the store into a new file. Raises `StoreError` when it exists or cannot be written."""
    path = path.absolute()
    if path.exists():
        raise StoreError(f"{path}: there is a file already", hint="Name a new file for the export.")
    with tempfile.TemporaryDirectory(prefix=".harnessfix-export-", dir=_folder(path)) as scratch:
        place = Place(Path(scratch) / "store.db", None)
        with _opened(place) as target:
            with database.read() as source, target.write() as connection, _damage_named(database.place):
                merged = merge.merge(source, connection, trusted=True)
            target.outside("VACUUM", "PRAGMA journal_mode=delete")  # one file, readable where nothing may be written
        with explained(Place(path, None)):
            shutil.move(str(place.path), path)
    return len(merged.added)


def take_in(database: Database, path: Path, *, own: bool) -> Merged:
    """Merge the store in a file into this one. Raises `StoreError` when it is none, or is damaged."""
    path = path.absolute()
    with _readable(path) as other, other.read() as source, database.write(durable=True) as connection:
        # Nothing is believed about a file that someone sent: it has to be sound before a row of it is taken.
        if source.execute(text("PRAGMA quick_check(1)")).scalar() != "ok":
            raise StoreError(f"{path}: the file is damaged", hint="Export it again from where it came.")
        return merge.merge(source, connection, trusted=False, own=own)


@contextmanager
def _damage_named(place: Place) -> Iterator[None]:
    """Let damage that is met while copying be said of the store that is copied: the new file has none."""
    try:
        yield
    except DBAPIError as error:
        if str(getattr(error.orig, "sqlite_errorname", "")).startswith("SQLITE_CORRUPT"):
            raise translated(place, error) from error
        raise


@contextmanager
def _opened(place: Place) -> Iterator[Database]:
    database = Database(place)
    try:
        schema.make_ready(database, create=True)
        yield database
    finally:
        database.close()


@contextmanager
def _readable(path: Path) -> Iterator[Database]:
    """The file as a store of this version; an older one is upgraded in a copy, since the file is not ours to change."""
    place = Place(path, None)
    database = Database(place, readonly=True)
    try:
        if not path.is_file():
            raise StoreError(f"{path}: there is no such file", hint="Name a file that `export` wrote.")
        with database.read() as connection:
            version = schema.stored_version(connection)
        if version is None or version >= schema.HEAD:
            schema.make_ready(database, create=False)
            yield database
            return
    finally:
        database.close()
    with tempfile.TemporaryDirectory(prefix="harnessfix-import-") as scratch:
        copy = Place(Path(scratch) / "store.db", None)
        with explained(place), closing(sqlite3.connect(path, isolation_level=None)) as raw:
            raw.execute("VACUUM INTO ?", (str(copy.path),))
        with _opened(copy) as upgraded:
            yield upgraded


def _folder(path: Path) -> Path:
    if not path.parent.is_dir():
        raise StoreError(f"{path.parent}: there is no such folder", hint="Make it, or name another file.")
    return path.parent

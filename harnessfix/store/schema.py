"""The version of a store: made new, taken as it is, upgraded with a backup, or refused.

A store at the version of this release is opened without importing Alembic: one small table is read. Versions are
four-digit numbers, so a later one is recognised as later.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from harnessfix import __version__
from harnessfix_ir.errors import NewerStoreError, StoreError

from .database import Database, is_sqlite, upsert
from .models import Base, Info
from .place import Place
from .trouble import NO_STORE_HINT

HEAD = "0002"
MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "harnessfix_version"
LOCK = 0x48464958  # the advisory lock of one upgrade at a time on PostgreSQL


def make_ready(database: Database, *, create: bool) -> None:
    """Bring the store to this version.

    Args:
        database: the store; a missing file is made if it may be written.
        create: make a store where there is none.

    Raises:
        NewerStoreError: a later harnessfix wrote it.
        StoreError: there is none and `create` is false, it is no store, or it is older and may not be written.
    """
    path = database.place.path
    if path is not None:
        _look_at_file(path, database, create=create)
    with database.read() as connection:
        version = stored_version(connection)
        if version == HEAD:
            return
        if version is not None:
            _refuse_newer(connection, database.place, version)
        else:
            _refuse_foreign(connection, database.place)
    if version is None and (database.readonly or not create):
        raise _none_here(database.place)
    if database.readonly:
        raise StoreError(
            f"{database.place}: the store is of version {version} and has to be upgraded to {HEAD}",
            hint="Open it once for writing, with `harnessfix runs` for instance.",
        )
    _upgrade(database)


def stored_version(connection: Connection) -> str | None:
    """The version a store says it has, None when it is no store (yet)."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return version


def _look_at_file(path: Path, database: Database, *, create: bool) -> None:
    if path.exists():
        if path.is_file():
            return
        raise StoreError(f"{path}: not a file", hint=NO_STORE_HINT)
    if database.readonly or not create:
        raise _none_here(database.place)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        ignore = path.parent / ".gitignore"
        if path.parent.name == ".harnessfix" and not ignore.exists():
            ignore.write_text("# Made by harnessfix.\n*\n")
    except OSError as error:
        raise StoreError(f"{path.parent}: {error.strerror}", hint="Check the permissions of the folder.") from error


def _none_here(place: Place) -> StoreError:
    return StoreError(
        f"{place}: there is no store",
        hint="`harnessfix record -- python agent.py` or `harnessfix import FILE` makes one.",
    )


def _refuse_newer(connection: Connection, place: Place, version: str) -> None:
    if version.isdigit() and version <= HEAD:
        return
    writer = connection.execute(text("SELECT value FROM info WHERE key = 'writer'")).scalar()
    raise NewerStoreError(
        f"{place}: the store has version {version}, written by harnessfix {writer}; this is harnessfix {__version__}, "
        f"which knows versions up to {HEAD}",
        hint="Upgrade with `pip install --upgrade harnessfix`, or use another store with --store.",
    )


def _refuse_foreign(connection: Connection, place: Place) -> None:
    tables = set(inspect(connection).get_table_names())
    # A PostgreSQL schema may be shared; only a clash of names counts there. A file is ours alone.
    ours = set(Base.metadata.tables) if place.path is None else tables
    if tables & ours:
        raise StoreError(f"{place}: this database is not a harnessfix store", hint=NO_STORE_HINT)


def _upgrade(database: Database) -> None:
    migrating = Database(database.place, timeout=database.timeout, foreign_keys=False)
    try:
        if database.place.path is not None:
            migrating.outside("PRAGMA journal_mode=wal")  # kept in the file, and never set inside a transaction
        with migrating.write(durable=True) as connection:
            if not is_sqlite(connection):
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            version = stored_version(connection)
            if version == HEAD:  # another process was faster
                return
            if version is not None and database.place.path is not None:
                _back_up(database.place.path, version)
            _migrate(connection)
            upsert(
                connection, Base.metadata.tables[Info.__tablename__], {"key": "writer", "value": __version__}, ["key"]
            )
            _check_references(connection, database.place)
    finally:
        migrating.close()


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")


def _check_references(connection: Connection, place: Place) -> None:
    if is_sqlite(connection) and connection.execute(text("PRAGMA foreign_key_check")).first() is not None:
        raise StoreError(f"{place}: the upgrade would leave loose ends; the store was left as it was")


def _back_up(path: Path, version: str) -> None:
    """Copy the store to `store.db.bak-<version>` while the caller holds the write lock."""
    target = path.with_name(f"{path.name}.bak-{version}")
    partial = target.with_name(target.name + ".partial")
    try:
        partial.unlink(missing_ok=True)
        with closing(sqlite3.connect(path, isolation_level=None)) as source:
            source.execute("VACUUM INTO ?", (str(partial),))
        partial.replace(target)
    except (OSError, sqlite3.Error) as error:
        partial.unlink(missing_ok=True)
        raise StoreError(
            f"{target}: no backup could be made, so the store was not upgraded: {error}",
            hint="Free some space, or check the permissions of the folder.",
        ) from error

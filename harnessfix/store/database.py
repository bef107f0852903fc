"""One engine, and the two sorts of transaction: reading, and writing.

On SQLite every writing transaction begins IMMEDIATE: a transaction that reads first and then writes cannot wait for
another writer, whatever the busy timeout says. `synchronous` is NORMAL (a power cut may lose the last commits, never
damage the file) and FULL for what cannot be had again: labels, patches, verdicts, memory.
"""

import importlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote
from weakref import WeakSet

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import QueuePool

from harnessfix_ir.errors import StoreError

from .place import Place
from .trouble import SQLITE, explained, passes

T = TypeVar("T")
PAUSES = (0.1, 1.0, 5.0)  # seconds; a server that restarts is back after the last


class Database:
    """A store's engine.

    Args:
        place: where it is.
        readonly: refuse to write.
        timeout: seconds to wait for another writer.
        foreign_keys: whether SQLite enforces them; migrations that rebuild a table must not.
    """

    def __init__(
        self, place: Place, *, readonly: bool = False, timeout: float = 30.0, foreign_keys: bool = True
    ) -> None:
        self.place = place
        # What may only be read is opened for that, so that it can be looked at.
        self.locked = not readonly and place.path is not None and place.path.exists() and not _writable(place.path)
        self.readonly = readonly or self.locked
        self.timeout = timeout
        self.engine = _sqlite(self, foreign_keys) if place.url is None else _postgresql(self)
        _OPEN.add(self)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the store and waits for nobody."""
        with explained(self.place), self.engine.connect() as connection:
            connection = connection.execution_options(reading=True)
            with connection.begin():
                yield connection

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Connection]:
        """A transaction that holds the write lock from its first moment; all or nothing.

        Args:
            durable: reach the disk before it returns.
        """
        if self.locked:
            what, hint = SQLITE["SQLITE_READONLY"]
            raise StoreError(f"{self.place}: the store {what}", hint=hint)
        if self.readonly:
            raise StoreError(f"{self.place}: the store was opened for reading only", hint="Open it for writing.")
        with explained(self.place), self.engine.connect() as connection:
            connection = connection.execution_options(durable=durable)
            with connection.begin():
                yield connection

    def repeat(self, action: Callable[[Connection], T], *, reading: bool = False) -> T:
        """Do `action` in a transaction, and again after trouble that passes.

        Only for what may be done twice: nobody knows whether a commit arrived before its connection was lost.

        Args:
            action: what to do.
            reading: whether it only reads.
        """
        begin = self.read if reading else self.write
        for pause in PAUSES:
            try:
                with begin() as connection:
                    return action(connection)
            except StoreError as error:
                if not passes(error):
                    raise
            time.sleep(pause)
        with begin() as connection:
            return action(connection)

    def outside(self, *statements: str) -> None:
        """Run statements that no transaction may hold."""
        if self.place.url is not None:
            with explained(self.place), self.engine.connect() as connection:
                connection = connection.execution_options(isolation_level="AUTOCOMMIT")
                for statement in statements:
                    connection.exec_driver_sql(statement)
            return
        # Past SQLAlchemy, which would begin a transaction and set the driver's isolation level behind our back.
        with explained(self.place), closing(self.engine.raw_connection()) as raw:
            cursor = raw.cursor()
            for statement in statements:
                self._insisted(cursor.execute, statement)
            cursor.close()

    def _insisted(self, execute: Callable[[str], object], statement: str) -> None:
        """Execute, and again while another process holds the file: a change of journal mode does not wait by itself."""
        end = time.monotonic() + self.timeout
        while True:
            try:
                execute(statement)
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() >= end:
                    raise
                time.sleep(0.01)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


_OPEN: WeakSet[Database] = WeakSet()


def close_all() -> None:
    """Close all connections of this process, as a command does when it ends; a database asked again opens new ones."""
    for database in list(_OPEN):
        database.close()


def is_sqlite(connection: Connection) -> bool:
    """Whether SQLite is at the other end."""
    return connection.dialect.name == "sqlite"


def bulk_insert(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
    """Insert plain tuples, past the ORM and the compiler: the fast way on both drivers."""
    values = list(rows)
    if values:
        mark = "?" if is_sqlite(connection) else "%s"
        marks = ", ".join([mark] * len(columns))
        connection.exec_driver_sql(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", values)


def upsert(
    connection: Connection, table: Table, row: dict[str, object], keys: Sequence[str], keep: Sequence[str] = ()
) -> None:
    """Insert `row`, or replace the one with the same `keys`, whose columns `keep` stay as they were."""
    changed = {name: value for name, value in row.items() if name not in keys and name not in keep}
    if is_sqlite(connection):
        lite = sqlite.insert(table).values(row)
        connection.execute(lite.on_conflict_do_update(index_elements=list(keys), set_=changed))
    else:
        post = postgresql.insert(table).values(row)
        connection.execute(post.on_conflict_do_update(index_elements=list(keys), set_=changed))


def insert_new(connection: Connection, table: Table, row: dict[str, object], keys: Sequence[str]) -> None:
    """Insert `row` unless one with the same `keys` is there."""
    if is_sqlite(connection):
        connection.execute(sqlite.insert(table).on_conflict_do_nothing(index_elements=list(keys)), row)
    else:
        connection.execute(postgresql.insert(table).on_conflict_do_nothing(index_elements=list(keys)), row)


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _sqlite(database: Database, foreign_keys: bool) -> Engine:
    path = database.place.path
    assert path is not None
    mode = "ro" if database.readonly else "rwc"
    uri = f"file:{quote(str(path))}?mode={mode}"
    wal = path.with_name(path.name + "-wal")
    if database.readonly and not os.access(path.parent, os.W_OK) and not wal.exists():
        # WAL needs a shared-memory file beside the store; in a folder that nobody may write there is no writer either.
        uri += "&immutable=1"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            uri,
            uri=True,
            timeout=database.timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool)

    @event.listens_for(engine, "connect")
    def _configure(raw: sqlite3.Connection, _record: object) -> None:
        # The file may come from anywhere: no functions or virtual tables from its schema, no mapped memory.
        for pragma in (
            f"foreign_keys={'on' if foreign_keys else 'off'}",
            "synchronous=normal",
            "trusted_schema=off",
            "cell_size_check=on",
            "mmap_size=0",
        ):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("reading"):
            connection.exec_driver_sql("BEGIN")
        else:
            connection.exec_driver_sql(f"PRAGMA synchronous={'full' if options.get('durable') else 'normal'}")
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgresql(database: Database) -> Engine:
    url = database.place.url
    assert url is not None
    try:
        importlib.import_module("psycopg")
    except ImportError as error:
        raise StoreError(
            f"{database.place}: the PostgreSQL driver is not installed", hint="pip install 'harnessfix[postgresql]'"
        ) from error
    given = url.query.get("options", "")
    options = f"{given if isinstance(given, str) else ' '.join(given)} -c lock_timeout={int(database.timeout * 1000)}"
    return create_engine(url, pool_pre_ping=True, connect_args={"options": options, "connect_timeout": 10})

"""Making, opening, upgrading and refusing stores."""

import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, MetaData, create_engine, event, inspect

from harnessfix.store import Store, default_store_path, find_store, schema
from harnessfix.store.models import POSTGRESQL, Base
from harnessfix_ir.errors import NewerStoreError, StoreError
from harnessfix_ir.recording import Recording
from harnessfix_ir.vocabulary import Outcome

MakeRun = Callable[..., Recording]
Add = Callable[..., list[str]]

HEAD = schema.HEAD
NEXT = f"{int(HEAD) + 1:04d}"
SECOND = '''
"""Adds a column, and rebuilds a table that others refer to."""

import sqlalchemy as sa
from alembic import op

revision = "NEXT"
down_revision = "HEAD"


def upgrade() -> None:
    op.add_column("run", sa.Column("colour", sa.String(), server_default="blue"))
    with op.batch_alter_table("run") as batch:
        batch.alter_column("name", new_column_name="title")
    if FAILS:
        raise RuntimeError("half-way")
'''


def connection_of(store: Store) -> Any:
    return store._database.read()


def test_models_are_what_the_migrations_make(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with connection_of(store) as connection:
        lite = connection.dialect.name == "sqlite"

        def ours(name: str | None, kind: str, parents: Any) -> bool:
            return not (kind == "table" and lite and str(name).startswith("words"))

        options = {"include_name": ours, "version_table": schema.VERSION_TABLE, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        metadata: Any = Base.metadata if lite else [Base.metadata, POSTGRESQL]
        assert compare_metadata(context, metadata) == []


def test_tables_are_spelled_alike_by_models_and_migrations(lite: Store) -> None:
    """What the comparison above does not see: WITHOUT ROWID, AUTOINCREMENT, partial indexes, delete rules."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)

    def tables(connection: Connection) -> dict[str, list[str]]:
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        made = {name: sorted(line.strip(" \t,") for line in sql.splitlines()) for name, sql in rows}
        return {name: sql for name, sql in made.items() if not name.startswith(("words", "harnessfix", "sqlite"))}

    with engine.connect() as modelled, connection_of(lite) as migrated:
        assert tables(modelled) == tables(migrated)
    engine.dispose()


def test_the_head_is_the_last_migration() -> None:
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(schema.MIGRATIONS))
    assert script.get_heads() == [schema.HEAD]
    assert all(len(each.revision) == 4 and each.revision.isdigit() for each in script.walk_revisions())


@pytest.fixture
def next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Make this a release with one more migration, which may fail half-way."""

    def release(fails: bool) -> None:
        folder = tmp_path / ("failing" if fails else "working")
        shutil.copytree(schema.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
        migration = SECOND.replace("FAILS", str(fails)).replace("HEAD", HEAD).replace("NEXT", NEXT)
        (folder / "versions" / f"v{NEXT}_next.py").write_text(migration)
        monkeypatch.setattr(schema, "MIGRATIONS", folder)
        monkeypatch.setattr(schema, "HEAD", NEXT)

    return release


def test_an_older_store_is_upgraded_after_a_backup(
    address: str, make_run: MakeRun, add: Add, next_release: Callable[[bool], None]
) -> None:
    with Store.open(address) as store:
        add(store, make_run("r", name="a name", outcome=Outcome.FAILED, by="exit"))
    next_release(False)
    with Store.open(address) as store, connection_of(store) as connection:
        assert schema.stored_version(connection) == NEXT
        assert connection.exec_driver_sql("SELECT title, colour FROM run").all() == [("a name", "blue")]
        assert len(store.steps("r")) == 1, "rebuilding a table must not delete what refers to it"
        assert store.labels("r")[0].outcome is Outcome.FAILED
    if "://" not in address:
        backup = Path(address + f".bak-{HEAD}")
        with closing(sqlite3.connect(backup)) as raw:
            assert raw.execute("SELECT name FROM run").fetchall() == [("a name",)]
            assert raw.execute("SELECT version_num FROM harnessfix_version").fetchall() == [(HEAD,)]


def test_a_failed_upgrade_leaves_the_store_as_it_was(
    address: str, make_run: MakeRun, add: Add, next_release: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(address) as store:
        add(store, make_run("r"))
    with monkeypatch.context() as patch:
        patch.setattr(schema, "HEAD", schema.HEAD)
        patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS)
        next_release(True)
        with pytest.raises(RuntimeError, match="half-way"):
            Store.open(address)
    monkeypatch.setattr(schema, "HEAD", HEAD)
    with Store.open(address) as store:
        assert [row.id for row in store.runs()] == ["r"]


def test_without_a_backup_there_is_no_upgrade(
    tmp_path: Path, next_release: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store.db"
    Store.open(path).close()
    next_release(False)
    (tmp_path / f"store.db.bak-{HEAD}").mkdir()
    with pytest.raises(StoreError, match="no backup could be made"):
        Store.open(path)
    assert not list(tmp_path.glob("*.partial"))
    with pytest.raises(StoreError, match="has to be upgraded"):
        Store.open(path, readonly=True)
    monkeypatch.setattr(schema, "HEAD", HEAD)
    Store.open(path).close()


def test_an_older_export_is_taken_in_and_not_changed(
    tmp_path: Path, make_run: MakeRun, add: Add, monkeypatch: pytest.MonkeyPatch, next_release: Callable[[bool], None]
) -> None:
    with Store.open(tmp_path / "old.db") as store:
        add(store, make_run("r", name="a name"))
    before = (tmp_path / "old.db").read_bytes()
    second = SECOND.replace('batch.alter_column("name", new_column_name="title")', "pass")
    monkeypatch.setitem(globals(), "SECOND", second)
    next_release(False)
    with Store.open(tmp_path / "new.db") as store:
        assert store.import_(tmp_path / "old.db").added == ("r",)
        assert store.run("r").name == "a name"
    assert (tmp_path / "old.db").read_bytes() == before


def test_a_newer_store_is_refused_with_what_to_do(address: str, store: Store) -> None:
    with store._database.write() as connection:
        connection.exec_driver_sql("UPDATE harnessfix_version SET version_num = '9999'")
        connection.exec_driver_sql("UPDATE info SET value = '77.0' WHERE key = 'writer'")
    for readonly in (False, True):
        with pytest.raises(NewerStoreError, match=r"9999, written by harnessfix 77\.0") as newer:
            Store.open(address, readonly=readonly)
        assert "pip install" in newer.value.hint


def test_what_is_no_store_is_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("notes, and more notes than one page of a database holds " * 200)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as raw, raw:
        raw.execute("CREATE TABLE customers (name)")
    for path in (text, other):
        before = path.read_bytes()
        with pytest.raises(StoreError, match="not a harnessfix store") as error:
            Store.open(path)
        assert error.value.hint
        assert path.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "other.db"]


def test_a_database_with_tables_of_our_names_is_refused(address: str) -> None:
    if "://" not in address:
        pytest.skip("a file is refused for any table")
    url = address.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE run (id int)")
    with pytest.raises(StoreError, match="not a harnessfix store"):
        Store.open(address)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE run; CREATE TABLE customers (id int)")
    with Store.open(address) as store:
        assert store.runs() == []
    engine.dispose()


def test_a_damaged_store_is_said_to_be_damaged(tmp_path: Path, make_run: MakeRun, add: Add) -> None:
    path = tmp_path / "store.db"
    with Store.open(path) as store:
        add(store, *(make_run(f"r{number}", ("t", f"text {number} " * 500)) for number in range(50)))
    data = bytearray(path.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(StoreError) as error, Store.open(path) as store:
        store.runs()
    assert "damaged" in str(error.value)
    assert "backup" in error.value.hint


def test_a_locked_store_says_so_and_readers_go_on(lite: Store, make_run: MakeRun, add: Add) -> None:
    add(lite, make_run("r"))
    with closing(sqlite3.connect(lite.place, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with Store.open(lite.place, timeout=0.05) as impatient:
            assert len(impatient.runs()) == 1
            with pytest.raises(StoreError, match="locked by another process") as error:
                impatient.label("r", Outcome.FAILED, by="user")
        assert error.value.hint
        other.execute("ROLLBACK")
    lite.label("r", Outcome.FAILED, by="user")


def test_a_full_disk_leaves_whole_runs_only(tmp_path: Path, make_run: MakeRun, add: Add) -> None:
    path = tmp_path / "store.db"
    with Store.open(path) as store:
        engine = store._database.engine

        @event.listens_for(engine, "connect")
        def _small(raw: sqlite3.Connection, _record: object) -> None:
            raw.execute("PRAGMA max_page_count=80")

        engine.dispose()
        stored: list[str] = []

        def fill() -> None:
            for number in range(1000):
                calls = [("t", f"text {n} of {number} " * 50) for n in range(20)]
                stored.extend(add(store, make_run(f"r{number}", *calls)))

        with pytest.raises(StoreError, match="disk is full") as error:
            fill()
        assert error.value.hint
        assert stored
        assert sorted(row.id for row in store.runs()) == sorted(stored)
        assert all(len(store.steps(run_id)) == 20 for run_id in stored)


def test_no_store_here(tmp_path: Path) -> None:
    for options in ({"create": False}, {"readonly": True}):
        with pytest.raises(StoreError, match="there is no store") as error:
            Store.open(tmp_path / "no" / "store.db", **options)
        assert "record" in error.value.hint
    assert not (tmp_path / "no").exists()
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError, match="there is no store"):
        Store.open(tmp_path / "empty.db", create=False)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file: ") as blocked:
        Store.open(tmp_path / "file" / "store.db")
    assert "permissions" in blocked.value.hint


@pytest.mark.parametrize(
    "address", ["mysql://host/db", "sqlite://", "sqlite:///:memory:", "://", "postgresql://host:port/db"]
)
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(StoreError) as error:
        Store.open(address)
    assert error.value.hint


def test_a_server_that_is_not_there() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError, match="no connection") as error:
        Store.open("postgresql://someone:hunter2@127.0.0.1:9/none")
    assert "hunter2" not in str(error.value)


def test_reading_only(lite: Store, make_run: MakeRun, add: Add) -> None:
    add(lite, make_run("r"))
    with Store.open(lite.place, readonly=True) as reading:
        assert [row.id for row in reading.runs(text="contents")] == ["r"]
        with pytest.raises(StoreError, match="for reading only"):
            reading.label("r", Outcome.FAILED, by="user")


def test_where_the_store_is(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert default_store_path(deep) == deep / ".harnessfix" / "store.db"
    with Store.open(tmp_path) as store:
        assert store.place == str(tmp_path / ".harnessfix" / "store.db")
    assert find_store(deep) == default_store_path(deep) == tmp_path / ".harnessfix" / "store.db"
    assert (tmp_path / ".harnessfix" / ".gitignore").read_text().endswith("*\n")
    with Store.open(tmp_path / ".harnessfix", create=False) as again:
        assert again.place == store.place


def test_threads_share_a_store(store: Store, make_run: MakeRun, add: Add) -> None:
    errors: list[BaseException] = []

    def work(prefix: str) -> None:
        try:
            for number in range(10):
                add(store, make_run(f"{prefix}{number}"))
                store.runs(limit=5)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(prefix,)) for prefix in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(store.runs()) == 40


def test_heavy_imports_wait_until_they_are_needed(lite: Store) -> None:
    program = f"""
import sys
import harnessfix.store
assert "sqlalchemy" not in sys.modules
with harnessfix.store.Store.open({lite.place!r}) as store:
    store.runs()
assert "sqlalchemy" in sys.modules
assert "alembic" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_every_table_has_a_model(store: Store) -> None:
    with connection_of(store) as connection:
        tables = {name for name in inspect(connection).get_table_names() if not name.startswith("words")}
    metadata: MetaData = Base.metadata
    assert tables == {*metadata.tables, schema.VERSION_TABLE}

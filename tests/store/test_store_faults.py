"""Disks that are full, connections that break, files that are damaged or may not be written, migrations cut short."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from harnessfix.store import Store
from harnessfix_ir.errors import StoreError
from harnessfix_ir.recording import Recording

MakeRun = Callable[..., Recording]
Add = Callable[..., list[str]]

SMALL = """
import resource, signal, sys
from harnessfix.store import Store
from harnessfix_ir.errors import StoreError
sys.path.insert(0, {programs!r})
from write_runs import run
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Store.open({path!r}) as store:
    resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
    for number in range(10000):
        recording = run(f"r-{{number}}")
        try:
            store.add(recording.model_dump_json().encode(), format="test", filename="f", recordings=[recording])
        except StoreError as error:
            print(error, error.hint, sep="|")
            break
        print(f"r-{{number}}")
"""


def ids(store: Store) -> list[str]:
    return sorted(run.id for run in store.runs())


def test_a_full_disk_is_named_and_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: writing fails at the same moment, if with another error."""
    path = tmp_path / "store.db"
    programs = str(Path(__file__).parent / "programs")
    code = SMALL.format(path=str(path), programs=programs, limit=1_000_000)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    *acknowledged, complaint = done.stdout.splitlines()
    assert "|" in complaint
    assert any(word in complaint for word in ("disk is full", "disk reports an error"))
    with Store.open(path) as store:
        assert ids(store) == sorted(acknowledged)
        assert all(len(store.steps(run)) == 30 and store.blob(run)[0] for run in acknowledged)
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_lost_connection_is_retried_and_leaves_no_double(
    address: str, store: Store, make_run: MakeRun, add: Add
) -> None:
    if "://" not in address:
        pytest.skip("a file has no connection to lose")
    lost: list[int] = []

    @event.listens_for(store._database.engine, "before_cursor_execute")
    def _lose(connection: Any, cursor: Any, statement: str, *rest: object) -> None:
        if "INSERT INTO step" in statement and len(lost) < 2:
            lost.append(1)
            with Store.open(address) as other, other._database.read() as asking:
                mine = cursor.connection.info.backend_pid
                asking.exec_driver_sql(f"SELECT pg_terminate_backend({mine})")

    add(store, make_run("r"))
    assert len(lost) == 2
    assert ids(store) == ["r"]
    assert len(store.steps("r")) == 1


def test_a_connection_lost_while_reading_is_made_anew(address: str, store: Store, make_run: MakeRun, add: Add) -> None:
    if "://" not in address:
        pytest.skip("a file has no connection to lose")
    add(store, make_run("r"))
    lost: list[int] = []

    @event.listens_for(store._database.engine, "before_cursor_execute")
    def _lose(connection: Any, cursor: Any, statement: str, *rest: object) -> None:
        if "FROM run" in statement and not lost:
            lost.append(1)
            with Store.open(address) as other, other._database.read() as asking:
                asking.exec_driver_sql(f"SELECT pg_terminate_backend({cursor.connection.info.backend_pid})")

    assert [run.id for run in store.facts()] == ["r"]
    assert lost


def test_a_connection_lost_for_good_is_named(
    address: str, store: Store, make_run: MakeRun, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "://" not in address:
        pytest.skip("a file has no connection to lose")
    from harnessfix.store import database

    add(store, make_run("r"))

    @event.listens_for(store._database.engine, "before_cursor_execute")
    def _lose(connection: Any, cursor: Any, statement: str, *rest: object) -> None:
        if "INSERT INTO step" in statement:
            with Store.open(address) as other, other._database.read() as asking:
                asking.exec_driver_sql(f"SELECT pg_terminate_backend({cursor.connection.info.backend_pid})")

    monkeypatch.setattr(database, "PAUSES", (0.01,))
    with pytest.raises(StoreError, match="no connection to the store"):
        add(store, make_run("s"))
    with Store.open(address) as again:
        assert ids(again) == ["r"]


def test_a_file_that_may_not_be_written_is_named(tmp_path: Path, make_run: MakeRun, add: Add) -> None:
    with Store.open(tmp_path / "store.db") as store:
        add(store, make_run("r"))
    with Store.open(tmp_path / "store.db", readonly=True) as store:
        with pytest.raises(StoreError, match="reading only"):
            add(store, make_run("s"))
        assert ids(store) == ["r"]


def test_a_corrupted_page_is_named_and_the_rest_can_be_saved(tmp_path: Path, make_run: MakeRun, add: Add) -> None:
    path = tmp_path / "store.db"
    with Store.open(path) as store:
        for number in range(40):
            add(store, make_run(f"r{number:02}", ("read_file", os.urandom(3000).hex())))
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'step'").fetchone()[0]
        size = raw.execute("PRAGMA page_size").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    with Store.open(path) as store:
        with pytest.raises(StoreError, match="damaged") as damaged:
            store.steps("r00")
        assert "backup" in damaged.value.hint
        with pytest.raises(StoreError, match=re.escape(f"{path}: the store is damaged")):
            store.export(tmp_path / "export.db")
        assert not (tmp_path / "export.db").exists()
        assert len(store.runs()) == 40
        assert all(store.blob(run.id)[0] for run in store.runs()), "the original bytes are still there"


MIGRATE = """
import sys
sys.path.insert(0, {programs!r})
from pathlib import Path
from harnessfix.store import Store, schema
schema.MIGRATIONS, schema.HEAD = Path({folder!r}), {head!r}
Store.open({path!r}).close()
"""
SLOW = '''
"""Takes its time between two changes."""
import sys
import time
import sqlalchemy as sa
from alembic import op
revision = "NEXT"
down_revision = "HEAD"
def upgrade():
    op.add_column("run", sa.Column("colour", sa.String()))
    print("half-way", flush=True)
    time.sleep(SECONDS)
    op.add_column("run", sa.Column("size", sa.Integer()))
'''


def test_a_migration_that_is_killed_leaves_the_store_as_it_was(
    address: str, tmp_path: Path, make_run: MakeRun, add: Add
) -> None:
    from harnessfix.store import schema

    with Store.open(address) as store:
        add(store, make_run("r"), make_run("s"))
    head = f"{int(schema.HEAD) + 1:04d}"
    codes = {}
    for name, seconds in (("slow", "600"), ("fast", "0")):
        folder = tmp_path / name
        shutil.copytree(schema.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
        migration = SLOW.replace("NEXT", head).replace("HEAD", schema.HEAD).replace("SECONDS", seconds)
        (folder / "versions" / f"v{head}_next.py").write_text(migration)
        codes[name] = MIGRATE.format(programs="", folder=str(folder), head=head, path=address)
    process = subprocess.Popen([sys.executable, "-c", codes["slow"]], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "half-way\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with Store.open(address) as store:
        assert ids(store) == ["r", "s"], "this release opens it as if nothing had been tried"
    subprocess.run([sys.executable, "-c", codes["fast"]], check=True, capture_output=True, timeout=120)
    with pytest.raises(StoreError, match="version"):
        Store.open(address)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of three megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(place)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a disk needs more rights")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.skipif(shutil.which("mount") is None, reason="there is no mount here")
def test_a_disk_that_runs_full_and_gets_space_again(disk: Path, make_run: MakeRun, add: Add) -> None:
    path = disk / "store.db"
    large = [make_run(f"r{number:02}", ("read_file", os.urandom(100_000).hex())) for number in range(30)]
    done: list[str] = []
    with Store.open(path) as store:
        filler = disk / "filler"
        filler.write_bytes(bytes(1_500_000))

        def fill() -> None:
            for recording in large:
                add(store, recording)
                done.append(recording.run.id)

        with pytest.raises(StoreError, match="disk is full") as full:
            fill()
        assert str(path) in str(full.value)
        assert "Free some space" in full.value.hint
        assert ids(store) == done, "what is there can be read"
        filler.unlink()
        add(store, large[len(done)])
        assert ids(store) == [*done, large[len(done)].run.id]
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.skipif(shutil.which("mount") is None, reason="there is no mount here")
def test_a_store_that_can_only_be_read_is_read(disk: Path, make_run: MakeRun, add: Add) -> None:
    with Store.open(disk / "store.db") as store:
        add(store, make_run("r"))
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with Store.open(disk / "store.db") as store:
        assert ids(store) == ["r"]
        assert store.search("contents")
        with pytest.raises(StoreError, match="cannot be written") as refused:
            add(store, make_run("s"))
        assert str(disk / "store.db") in str(refused.value)
        assert "permissions" in refused.value.hint

"""Several processes on one store, and processes that die."""

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from harnessfix.store import Store

PROGRAM = Path(__file__).parent / "programs" / "write_runs.py"
STEPS = 30


@contextmanager
def writing(address: str, count: int, *prefixes: str) -> Iterator[subprocess.Popen[str]]:
    """The program as a process of its own, gone at the end whatever happens."""
    command = [sys.executable, str(PROGRAM), address, str(count), *prefixes]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_four_writers_and_a_reader(address: str) -> None:
    # Nobody has made the store yet: the four race for that, too.
    with writing(address, 12, *"abcd") as writers:
        assert writers.stdout is not None
        assert writers.stdout.readline() == "ready\n"
        with Store.open(address) as store:
            seen = 0
            while writers.poll() is None:
                rows = store.runs()
                assert len(rows) >= seen, "a reader never sees fewer runs than before"
                assert all(row.steps == len(store.steps(row.id)) == STEPS for row in rows[:3])
                seen = len(rows)
                time.sleep(0.02)
        _, complaints = writers.communicate(timeout=60)
        assert (writers.returncode, complaints) == (0, "")
    with Store.open(address) as store:
        assert {row.id for row in store.runs()} == {f"{prefix}-{number}" for prefix in "abcd" for number in range(12)}
        assert len(store.search("result", limit=None)) == 48 * STEPS


def test_a_killed_writer_leaves_whole_runs_only(address: str) -> None:
    with Store.open(address):
        pass
    acknowledged: list[str] = []
    for round_ in range(2):
        with writing(address, 10_000, f"round{round_}") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            acknowledged += [process.stdout.readline().strip() for _ in range(5)]
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=30)
    with Store.open(address) as store:
        rows = {row.id: row for row in store.runs()}
        assert set(acknowledged) <= set(rows)
        for run_id, row in rows.items():
            assert row.steps == len(store.steps(run_id)) == STEPS
            assert store.blob(run_id)[0]
        assert len(store.search("result", limit=None)) == len(rows) * STEPS
        store.vacuum()
    if "://" not in address:
        with closing(sqlite3.connect(address)) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
            raw.execute("INSERT INTO words (words) VALUES ('integrity-check')")

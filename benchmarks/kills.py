"""Kill everything at random moments, and count what was lost.

    python -m benchmarks.kills [POINTS]

A store of an older version is upgraded, files are imported by two processes and checked by two, and all of them are
killed (SIGKILL) after a random time; then the same commands begin again. After every kill the store is opened and
looked over: the database is sound, every run is whole, no block or row belongs to nothing, nothing is there twice, and
what was there before is there still. A series ends when the commands came to their end; its findings have to be those
of an undisturbed one.

`lost`, `doubled`, `orphans`, `damaged`, `different`: how many of each, over all points; all should be 0.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

FILES, RUNS = 24, 5
COMMANDS = """
import sys
from harnessfix.cli import main
for command in (["import", "--jobs", "2", *sys.argv[1:]], ["check", "--jobs", "2", "--exit-zero"]):
    try:
        main(command, standalone_mode=False)
    except SystemExit as ended:
        if ended.code not in (0, None):
            raise
"""
AGENT = """
def loop(model, task):
    messages = [task]
    while True:
        try:
            answer = model.chat(messages)
        except Exception:
            pass
        messages.append(answer)
"""
COUNTED = ("lost", "doubled", "orphans", "damaged", "different")
SQL = {
    "doubled": "SELECT count(*) - count(DISTINCT id) FROM run",
    "orphans": """SELECT
        (SELECT count(*) FROM blob WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.blob = blob.digest)
           AND NOT EXISTS (SELECT 1 FROM earlier_blob e WHERE e.blob = blob.digest))
        + (SELECT count(*) FROM step WHERE run NOT IN (SELECT key FROM run))
        + (SELECT count(*) FROM diagnosis WHERE run NOT IN (SELECT key FROM run))""",
    "damaged": "SELECT count(*) FROM run WHERE steps != (SELECT count(*) FROM step WHERE step.run = run.key)",
}


def measure(points: int = 100, seed: int = 1) -> dict[str, float]:
    """Kill at so many points, and count."""
    found: Counter[str] = Counter()
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="harnessfix-kills-") as scratch:
        reference = _prepared(Path(scratch) / "reference")
        begun = time.perf_counter()
        _start(reference).wait()
        lasts = time.perf_counter() - begun
        truth = _findings(reference)
        killed = series = 0
        while killed < points:
            series += 1
            folder = _prepared(Path(scratch) / f"series-{series}")
            before = _runs(folder)
            for _ in range(12):
                process = _start(folder)
                try:
                    process.wait(timeout=chance.uniform(0.05, 0.9) * lasts)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    _until_gone(process.pid)
                    killed += 1
                    before = _look(folder, before, found)
                    continue
                break
            if _start(folder).wait() != 0:
                found["damaged"] += 1
            before = _look(folder, before, found)
            found["different"] += _findings(folder) != truth
            found["lost"] += FILES * RUNS + RUNS - len(before)
    return {"points": killed, "series": series, **{name: found[name] for name in COUNTED}}


def _prepared(folder: Path) -> Path:
    """A project with trace files, and a store that an older release wrote."""
    from harnessfix.store import Store
    from harnessfix_collectors.readers import read_bytes

    folder.mkdir()
    (folder / "agent.py").write_text(AGENT)
    (folder / "harnessfix.toml").write_text('harness = ["agent.py"]\n')
    for number in range(FILES):
        (folder / f"{number:02}.jsonl").write_bytes(b"".join(_trace(number * RUNS + run) for run in range(RUNS)))
    data = b"".join(_trace(10_000 + number) for number in range(RUNS))
    with Store.open(folder) as store:
        recordings = list(read_bytes(data, "old.jsonl", "otlp-json"))
        store.add(data, format="otlp-json", filename="old.jsonl", recordings=recordings)
    with closing(sqlite3.connect(folder / ".harnessfix" / "store.db")) as raw, raw:
        raw.executescript(
            "DROP TABLE examination; DROP TABLE work; UPDATE harnessfix_version SET version_num = '0001';"
        )
    return folder


def _trace(number: int) -> bytes:
    trace = f"{number + 1:032x}"
    spans = [
        {
            "traceId": trace,
            "spanId": f"{span + 1:016x}",
            "parentSpanId": "" if span == 0 else f"{1:016x}",
            "name": "chat",
            "startTimeUnixNano": str(1_700_000_000_000_000_000 + span * 10**6),
            "endTimeUnixNano": str(1_700_000_000_000_000_000 + span * 10**6 + 500),
            "attributes": [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}],
            "status": {"code": 2 if number % 3 == 0 else 1},
        }
        for span in range(30)
    ]
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode() + b"\n"


def _start(folder: Path) -> "subprocess.Popen[bytes]":
    names = [f"{number:02}.jsonl" for number in range(FILES)]
    return subprocess.Popen(
        [sys.executable, "-c", COMMANDS, *names],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _until_gone(group: int) -> None:
    while True:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)


def _look(folder: Path, before: set[str], found: Counter[str]) -> set[str]:
    """Look a store over; returns its runs."""
    with closing(sqlite3.connect(folder / ".harnessfix" / "store.db")) as raw:
        found["damaged"] += raw.execute("PRAGMA integrity_check").fetchone() != ("ok",)
        found["orphans"] += len(raw.execute("PRAGMA foreign_key_check").fetchall())
        for name, sql in SQL.items():
            found[name] += raw.execute(sql).fetchone()[0]
    runs = _runs(folder)
    found["lost"] += len(before - runs)
    return runs


def _runs(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / ".harnessfix" / "store.db")) as raw:
        return {row[0] for row in raw.execute("SELECT id FROM run")}


def _findings(folder: Path) -> list[object]:
    with closing(sqlite3.connect(folder / ".harnessfix" / "store.db")) as raw:
        flaws = raw.execute("SELECT document FROM flaw ORDER BY id").fetchall()
        rows = raw.execute(
            "SELECT run.id, flaw, diagnosis.document FROM diagnosis JOIN run ON run.key = run ORDER BY 1, 2, 3"
        ).fetchall()
    return [flaws, rows]


if __name__ == "__main__":
    for name, value in measure(*(int(argument) for argument in sys.argv[1:2])).items():
        print(f"{name} {value:g}")

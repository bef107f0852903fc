"""Kill everything at random moments, and count what was lost.

    python -m benchmarks.kills [POINTS [postgresql]]

A store of an older version is upgraded, files are imported by two processes and checked by two, and all of them are
killed (SIGKILL) after a random time; then the same commands begin again. After every kill the store is opened and
looked over: the database is sound, every run is whole, no block or row belongs to nothing, nothing is there twice, and
what was there before is there still. A series ends when the commands came to their end; its findings have to be those
of an undisturbed one. The store is a file, or with `postgresql` a schema of a server.

`lost`, `doubled`, `orphans`, `damaged`, `different`: how many of each, over all points; all should be 0. `while_…`: how
many of the points were in which stage, by what the store held after the kill.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from benchmarks.servers import new_schema, postgresql
from harnessfix.store import Store, schema
from harnessfix.store.database import Database
from harnessfix.store.place import place_of
from harnessfix_collectors.readers import read_bytes

FILES, RUNS, SPANS = 20, 2, 6
MOST_KILLS = 12  # of one series
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
PARTS = ("step", "message", "label", "diagnosis", "examination", "earlier_blob")
SQL = {
    "doubled": """SELECT (SELECT count(*) - count(DISTINCT id) FROM run) + (SELECT count(*) FROM
        (SELECT 1 FROM diagnosis GROUP BY run, document HAVING count(*) > 1) AS twice) + (SELECT count(*) FROM
        (SELECT 1 FROM label GROUP BY run, said_by, outcome, created_ns HAVING count(*) > 1) AS twice)""",
    "orphans": """SELECT
        (SELECT count(*) FROM blob WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.blob = blob.digest)
           AND NOT EXISTS (SELECT 1 FROM earlier_blob e WHERE e.blob = blob.digest))"""
    + "".join(f"\n        + (SELECT count(*) FROM {part} WHERE run NOT IN (SELECT key FROM run))" for part in PARTS),
    "damaged": """SELECT (SELECT count(*) FROM run WHERE steps != (SELECT count(*) FROM step WHERE step.run = run.key))
        + (SELECT count(*) FROM run WHERE (diagnosed_with IS NULL) !=
           NOT EXISTS (SELECT 1 FROM examination e WHERE e.run = run.key))""",
}


@dataclass
class Project:
    """A folder with trace files and a harness, whose store an older release wrote.

    Args:
        folder: of it.
        database: of its store, which is never upgraded by being looked at.
        runs: ids that it has held.
    """

    folder: Path
    database: Database
    runs: frozenset[str] = frozenset()

    def start(self) -> "subprocess.Popen[bytes]":
        """The commands, in a process group of their own."""
        names = [f"{number:02}.jsonl" for number in range(FILES)]
        return subprocess.Popen(
            [sys.executable, "-c", COMMANDS, *names],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def look(self, found: Counter[str]) -> str:
        """Look the store over; returns the stage that it is in."""
        with self.database.read() as connection:
            if self.database.place.path is not None:
                found["damaged"] += connection.execute(text("PRAGMA integrity_check")).first() != ("ok",)
                found["orphans"] += len(connection.execute(text("PRAGMA foreign_key_check")).all())
            runs = frozenset(connection.execute(text("SELECT id FROM run")).scalars())
            found["lost"] += len(self.runs - runs)
            self.runs = runs
            if schema.stored_version(connection) != schema.HEAD:
                return "migrating"
            for name, sql in SQL.items():
                found[name] += connection.execute(text(sql)).scalar_one()
            done = connection.execute(text("SELECT count(*) FROM run WHERE diagnosed_with IS NOT NULL")).scalar_one()
        return "checking" if done or len(runs) == (FILES + 1) * RUNS else "importing"

    def findings(self) -> list[object]:
        """Everything that the check left."""
        of_runs = "SELECT run.id, flaw, diagnosis.document FROM diagnosis JOIN run ON run.key = run ORDER BY 1, 2, 3"
        with self.database.read() as connection:
            return [
                sorted(connection.execute(text("SELECT document FROM flaw")).scalars()),
                sorted(map(tuple, connection.execute(text(of_runs)))),
            ]


def measure(points: int = 100, seed: int = 1, engine: str = "sqlite") -> dict[str, float]:
    """Kill at so many points, and count.

    Args:
        points: how many.
        seed: of the moments.
        engine: `sqlite` or `postgresql`.
    """
    found: Counter[str] = Counter()
    chance = random.Random(seed)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="harnessfix-kills-")))
        server = stack.enter_context(postgresql()) if engine == "postgresql" else None
        with _project(scratch / "reference", server) as reference:
            begun = time.perf_counter()
            _until_ended(reference.start())
            lasts = time.perf_counter() - begun
            truth = reference.findings()
        killed = series = 0
        while killed < points:
            series += 1
            with _project(scratch / f"series-{series}", server) as project:
                for _ in range(min(MOST_KILLS, points - killed)):
                    process = project.start()
                    try:
                        process.wait(timeout=chance.uniform(0.05, 0.9) * lasts)
                    except subprocess.TimeoutExpired:
                        os.killpg(process.pid, signal.SIGKILL)
                        process.wait()
                        _until_gone(process.pid)
                        killed += 1
                        found[f"while_{project.look(found)}"] += 1
                        _tell(killed, points, found)
                        continue
                    break
                _until_ended(project.start())
                project.look(found)
                found["different"] += project.findings() != truth
                found["lost"] += (FILES + 1) * RUNS - len(project.runs)
    stages = {name: float(found[name]) for name in sorted(found) if name.startswith("while_")}
    return {"points": killed, "series": series, **{name: found[name] for name in COUNTED}, **stages}


@contextmanager
def _project(folder: Path, server: str | None) -> Iterator[Project]:
    folder.mkdir()
    (folder / "agent.py").write_text(AGENT)
    for number in range(FILES):
        (folder / f"{number:02}.jsonl").write_bytes(b"".join(_trace(number * RUNS + run) for run in range(RUNS)))
    with ExitStack() as stack:
        address = stack.enter_context(new_schema(server)) if server else str(folder / ".harnessfix" / "store.db")
        (folder / "harnessfix.toml").write_text(f'harness = ["agent.py"]\nstore = {json.dumps(address)}\n')
        data = b"".join(_trace(10_000 + number) for number in range(RUNS))
        with Store.open(address) as store:
            recordings = list(read_bytes(data, "old.jsonl", "otlp-json"))
            store.add(data, format="otlp-json", filename="old.jsonl", recordings=recordings)
        database = Database(place_of(address))
        stack.callback(database.close)
        with database.write() as connection:
            _make_older(connection)
        project = Project(folder, database)
        project.look(Counter())
        yield project


def _make_older(connection: Connection) -> None:
    """Leave the store as the release before the last migration had it."""
    for statement in (
        "DROP TABLE examination",
        "DROP TABLE work",
        f"UPDATE {schema.VERSION_TABLE} SET version_num = '0001'",
    ):
        connection.execute(text(statement))


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
        for span in range(SPANS)
    ]
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode() + b"\n"


def _until_ended(process: "subprocess.Popen[bytes]") -> None:
    if process.wait() != 0:
        raise RuntimeError("the commands failed without being disturbed")


def _until_gone(group: int) -> None:
    while True:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)


def _tell(killed: int, points: int, found: Counter[str]) -> None:
    if killed % 5 == 0:
        print(f"{killed} of {points}: {dict(sorted(found.items()))}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    given = sys.argv[1:]
    for name, value in measure(*map(int, given[:1]), engine=given[1] if given[1:] else "sqlite").items():
        print(f"{name} {value:g}")

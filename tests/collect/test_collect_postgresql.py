"""A receiver whose store is on a PostgreSQL server: what it promises is the same."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harnessfix.store import Store

MakeSpans = Callable[..., bytes]


def held(database: str) -> dict[str, int]:
    with Store.open(database) as store:
        return {row.id: row.steps for row in store.runs(limit=None)}


def test_runs_are_made_while_it_receives_and_at_its_end(
    collect: Any, make_spans: MakeSpans, database: str, tmp_path: Path, wait_for: Any
) -> None:
    collector = collect("--store", database)
    assert collector.post(make_spans(1, [1, 2, 3]))[0] == 200
    assert wait_for(lambda: held(database)) == {f"{1:032x}": 3}
    assert collector.post(make_spans(1, [3, 4]))[0] == 200
    assert collector.post(make_spans(2, [1, 2]))[0] == 200
    collector.end()
    assert held(database) == {f"{1:032x}": 4, f"{2:032x}": 2}
    assert not [*tmp_path.rglob("store.db")]


def test_what_was_acknowledged_before_a_kill_becomes_a_run(
    collect: Any, make_spans: MakeSpans, database: str, tmp_path: Path
) -> None:
    collector = collect("--store", database)
    bodies = [make_spans(trace, [2, 3]) for trace in (1, 2)]
    for body in bodies:
        assert collector.post(body)[0] == 200
    collector.end(signal.SIGKILL)
    again = collect("--store", database)
    for body in bodies:
        assert again.post(body)[0] == 200
    again.end(signal.SIGKILL)
    code = "from harnessfix.cli import main; main()"
    command = [sys.executable, "-c", code, "runs", "--store", database, "--format", "json"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert len(json.loads(told.stdout)["runs"]) == 2
    assert held(database) == {f"{1:032x}": 2, f"{2:032x}": 2}

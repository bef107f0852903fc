"""Looking after a store from the command line, from import to merge."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harnessfix.cli import main
from harnessfix.store import Store

from .conftest import AGENT, run_lines

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a folder."""

    def invoke(folder: Path, *arguments: str) -> Result:
        monkeypatch.chdir(folder)
        return CliRunner().invoke(main, list(arguments))

    return invoke


def files(folder: Path, count: int, runs: int = 5) -> list[str]:
    """Trace files with so many runs each."""
    for number in range(count):
        (folder / f"{number}.jsonl").write_bytes(run_lines(number * runs, runs))
    return [f"{number}.jsonl" for number in range(count)]


def test_from_import_over_prune_and_export_to_merge(run: Run, tmp_path: Path) -> None:
    names = files(tmp_path, 4)
    imported = run(tmp_path, "import", "--jobs", "2", *names, "--format", "json")
    assert len(json.loads(imported.stdout)["runs"]) == 20
    info = json.loads(run(tmp_path, "store", "info", "--format", "json").stdout)
    assert (info["runs"], info["steps"], info["work_left"]) == (20, 100, 0)
    assert "20 runs" in run(tmp_path, "store", "export", "all.db").stdout
    assert "would delete 15 runs" in run(tmp_path, "store", "prune", "--keep", "5", "--dry-run").stdout
    assert "deleted 15 runs" in run(tmp_path, "store", "prune", "--keep", "5").stdout
    assert "now" in run(tmp_path, "store", "vacuum").stdout
    assert "15 new, 0 newer, 5 known" in run(tmp_path, "store", "merge", "all.db").stdout
    assert "4 blocks copied" in run(tmp_path, "store", "copy-blocks", "blocks").stdout
    assert len(list((tmp_path / "blocks").rglob("*.zst"))) == 4


def test_nothing_that_was_made_of_deleted_runs_outlives_a_vacuum(run: Run, tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text(AGENT)
    (tmp_path / "harnessfix.toml").write_text('harness = ["agent.py"]\n')
    run(tmp_path, "import", *files(tmp_path, 2))
    assert run(tmp_path, "check", "--exit-zero").exit_code == 0

    def cached() -> dict[str, int]:
        info = json.loads(run(tmp_path, "store", "info", "--format", "json").stdout)
        return {use["kind"]: use["entries"] for use in info["cache"]}

    assert cached()["htir"] == 10
    run(tmp_path, "store", "prune", "--keep", "3")
    run(tmp_path, "store", "vacuum")
    assert cached() == {"htir": 3}
    assert "3 unchanged" in run(tmp_path, "check", "--exit-zero").stderr


def test_an_age_has_a_unit(run: Run, tmp_path: Path) -> None:
    run(tmp_path, "import", *files(tmp_path, 1))
    refused = run(tmp_path, "store", "prune", "--older-than", "soon")
    assert refused.exit_code == 2
    assert "12h, 30d or 8w" in refused.stderr


def test_a_file_that_cannot_be_read_costs_itself_only(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("no trace\n")
    result = run(tmp_path, "import", "--jobs", "2", "bad.jsonl", *files(tmp_path, 2))
    assert result.exit_code == 2
    assert "bad.jsonl" in result.stderr
    assert "10 runs from 2 of 3 files" in result.stdout


def test_an_interrupted_check_goes_on_where_it_stopped(run: Run, tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text(AGENT)
    (tmp_path / "harnessfix.toml").write_text('harness = ["agent.py"]\n')
    run(tmp_path, "import", *files(tmp_path, 60))
    command = [sys.executable, "-c", "from harnessfix.cli import main; main()", "check", "--jobs", "2", "--exit-zero"]
    with Store.open(tmp_path / ".harnessfix" / "store.db") as store:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 120
        while sum(row.flaws is not None for row in store.runs()) < 8 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        done = sum(row.flaws is not None for row in store.runs())
        assert process.returncode != 0
        assert "Traceback" not in said
        assert 8 <= done < 300, "it was stopped in the middle"
    again = run(tmp_path, "check", "--exit-zero")
    assert f"{done} unchanged" in again.stderr
    assert f"{300 - done} compiled" in again.stderr

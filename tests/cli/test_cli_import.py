"""`harnessfix import` as a person uses it."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from harnessfix.cli import main
from harnessfix.store import Store

SAMPLES = Path(__file__).parents[1] / "collectors" / "samples" / "files"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with a folder of traces beside other files."""
    monkeypatch.chdir(tmp_path)
    traces = tmp_path / "traces" / "deep"
    traces.mkdir(parents=True)
    shutil.copy(SAMPLES / "claude-code.jsonl", traces)
    shutil.copy(SAMPLES / "tau-bench.json", traces)
    (traces / "notes.txt").write_text("nothing of interest")
    return tmp_path


def test_a_folder_gives_its_traces_and_forgives_the_rest(place: Path) -> None:
    result = CliRunner().invoke(main, ["import", "traces", "--format", "json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (len(told["runs"]), told["refused"], told["redacted"]) == (3, 0, 0)


def test_a_file_that_was_named_has_to_be_a_trace(place: Path) -> None:
    result = CliRunner().invoke(main, ["import", "traces/deep/notes.txt", "traces/deep/tau-bench.json"])
    assert result.exit_code == 2
    assert "2 runs from 1 of 2 files" in result.stdout
    assert "notes.txt: not a trace format" in result.stderr


def test_secrets_do_not_reach_the_store(place: Path) -> None:
    key = "sk-" + "a1B2" * 8
    file = place / "secret.jsonl"
    file.write_text((SAMPLES / "codex.jsonl").read_text().replace("Keep to the sandbox.", f"The key is {key}."))
    result = CliRunner().invoke(main, ["import", "secret.jsonl"])
    assert result.exit_code == 0, result.output
    assert "1 secret replaced" in result.stderr
    shown = CliRunner().invoke(main, ["show", "latest", "--format", "json"])
    assert key not in shown.stdout
    assert "The key is <redacted>." in shown.stdout


def test_a_recording_from_elsewhere_does_not_say_what_is_read_here(place: Path) -> None:
    secret = place / "elsewhere" / "private.py"
    secret.parent.mkdir()
    secret.write_text("PASSWORD = 'nobody sees this'\n")
    (place / "agent.py").write_text("def ask():\n    return 1\n\nask()\n")
    recorded = CliRunner().invoke(main, ["record", "--harness", "agent.py", "--", sys.executable, "agent.py"])
    assert recorded.exit_code == 0, recorded.output
    with Store.open(place / ".harnessfix" / "store.db") as store:
        (row,) = store.runs()
        assert store.run_info(row.id).harness
        data = store.blob(row.id)[0]
    hostile = place / "other" / "a.jsonl"
    hostile.parent.mkdir()
    header, rest = data.split(b"\n", 1)
    named = json.dumps({**json.loads(header), "harness": [str(secret.parent)]}).replace('"harness"', '"\\u0068arness"')
    hostile.write_bytes(named.encode() + b"\n" + rest)
    result = CliRunner().invoke(main, ["import", str(hostile), "--store", "other/store.db"])
    assert result.exit_code == 0, result.output
    with Store.open(place / "other" / "store.db") as store:
        (row,) = store.runs()
        assert not store.run_info(row.id).harness


def test_scores_are_shown_as_labels(place: Path) -> None:
    CliRunner().invoke(main, ["import", "traces/deep/tau-bench.json"])
    runs = json.loads(CliRunner().invoke(main, ["runs", "--format", "json"]).stdout)["runs"]
    assert sorted((run["outcome"], run["outcome_by"], run["score"]) for run in runs) == [
        ("failed", "evaluation", 0.0),
        ("passed", "evaluation", 1.0),
    ]


def test_help_lists_the_formats() -> None:
    told = CliRunner().invoke(main, ["import", "--help"]).output
    assert "Formats, recognised by content" in told
    assert "claude-code" in told

"""A program has run, and the store does not take its recording."""

import contextlib
import shlex
import sqlite3
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from harnessfix.cli import main
from harnessfix.pipeline import Pipeline
from harnessfix.store import Store
from harnessfix.workspace import Workspace
from harnessfix_collectors.readers import read_bytes
from harnessfix_collectors.record import RecordResult
from harnessfix_ir.errors import StoreError

AGENT = """
class Model:
    def complete(self, messages):
        return {"role": "assistant", "content": "done"}

def run(task):
    messages = [{"role": "user", "content": task}]
    for turn in range(2):
        if Model().complete(messages)["content"] == "done":
            break

run("go")
"""


def test_it_is_set_aside_and_can_be_imported_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "agent.py").write_text(AGENT)
    place = tmp_path / ".harnessfix" / "store.db"
    workspace = Workspace.open(tmp_path, create=True)
    with workspace.store:
        result = Pipeline(workspace).run([sys.executable, "agent.py"], quiet=True)
    (expected,) = read_bytes(result.data, "recording", "harnessfix-probe")
    impatient = Workspace(workspace.settings, Store.open(place, timeout=0.2))
    with impatient.store, contextlib.closing(sqlite3.connect(place, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="is locked by another process") as caught:
            Pipeline(impatient).keep(result)
    (left,) = (place.parent / "spool").glob("*.jsonl")
    assert not result.folder.exists()
    command = shlex.split(caught.value.hint.split("`")[1])
    assert command == ["harnessfix", "import", str(left)]
    done = CliRunner().invoke(main, command[1:])
    assert done.exit_code == 0, done.output
    with Store.open(place) as store:
        assert [(row.id, row.steps) for row in store.runs()] == [(expected.run.id, len(expected.steps))]


def test_it_is_said_when_it_is_lost(tmp_path: Path) -> None:
    lost = RecordResult(0, None, b"data", (), tmp_path / "gone" / "spool")
    assert "cannot be written either" in lost.set_aside()

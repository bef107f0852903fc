"""Spool folders of recordings whose recorder is gone: read as they are, refused when someone tampered with them."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from harnessfix_collectors.document import Header
from harnessfix_collectors.readers import read_bytes
from harnessfix_collectors.unfinished import document_of, hold, is_recording, note_end, unfinished
from harnessfix_ir.errors import BadInputError

ELEMENT = {
    "id": "e",
    "role": "tool",
    "roles": ["tool"],
    "path": "agent.py",
    "fn": "tool",
    "name": "",
    "line": 1,
    "end": 2,
}
PLAN: dict[str, Any] = {
    "elements": [{**ELEMENT, "hash": ""}, {**ELEMENT, "hash": "", "fn": "uncalled"}],
    "files": {"/x/agent.py": {"path": "agent.py", "sha256": "00", "functions": [{"e": 0}]}},
}
HEADER = Header("ab" * 16, ("python", "agent.py"), "a task", ("/x",), PLAN, redacted=2, started_ns=5)
LINES: tuple[dict[str, Any], ...] = (
    {"t": "run", "trace": HEADER.trace, "pid": 4194304, "up": None, "argv": [], "cwd": "/x", "time": 6},
    {"t": "start", "id": "01", "up": None, "e": 0, "args": {}, "stack": [], "time": 7},
    {"t": "end", "id": "01", "value": "found", "time": 8},
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The spool folder of a recording in which one process did one thing."""
    made = tmp_path / HEADER.trace
    made.mkdir()
    hold(made, HEADER).release()
    (made / "4194304-6.jsonl").write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in LINES))
    return made


def test_the_document_is_the_one_that_would_have_been_brought_home(folder: Path) -> None:
    assert [(one.folder, one.command, one.started_ns) for one in unfinished(folder.parent)] == [
        (folder, ("python", "agent.py"), 5)
    ]
    (run,) = read_bytes(document_of(folder), "recording")
    assert [(step.name, step.status) for step in run.steps] == [("tool", "ok")]
    assert (run.run.id, run.run.task, run.run.outcome, run.run.exit_code) == (HEADER.trace, "a task", "unknown", None)
    assert set(run.incomplete) == {
        "the recorder was ended before it could say how the program ended",
        "2 secrets were redacted when they were recorded",
    }
    assert b"uncalled" not in document_of(folder)
    note_end(folder, -9)
    (run,) = read_bytes(document_of(folder), "recording")
    assert (run.run.outcome, run.run.exit_code) == ("failed", -9)
    assert document_of(folder) == document_of(folder)


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_what_is_held_goes_on(folder: Path) -> None:
    held = hold(folder, HEADER)
    assert unfinished(folder.parent) == []
    with pytest.raises(BadInputError, match="goes on"):
        document_of(folder)
    held.release()
    assert len(unfinished(folder.parent)) == 1


def test_where_nothing_was_recorded_nothing_is_left(folder: Path) -> None:
    (folder / "4194304-6.jsonl").write_text("")
    assert is_recording(folder)
    assert unfinished(folder.parent) == []
    with pytest.raises(BadInputError, match="nothing was recorded"):
        document_of(folder)


def _with(change: dict[str, Any]) -> str:
    told = {
        "schema": "harnessfix.probe/2",
        "trace": "ab",
        "command": [],
        "task": "",
        "harness": [],
        "time": 1,
        "plan": {"elements": [], "files": {}},
    }
    return json.dumps(told | change)


TAMPERED = {
    "empty": "",
    "cut": "{",
    "a list": "[]",
    "nothing": "{}",
    "deep": "[" * 100_000,
    "no text": "\udc00",
    "another schema": _with({"schema": "harnessfix.probe/1"}),
    "elements are no list": _with({"plan": {"elements": {"0": 1}, "files": {}}}),
    "an element without a path": _with({"plan": {"elements": [{"fn": "x"}], "files": {}}}),
    "a file that is none": _with({"plan": {"elements": [], "files": {"a": 1}}}),
    "a file without a digest": _with({"plan": {"elements": [], "files": {"a": {"path": "a"}}}}),
    "a time that is none": _with({"time": "now"}),
    "a command that is none": _with({"command": [1]}),
    "a trace that is none": _with({"trace": None}),
}


@pytest.mark.parametrize("kind", TAMPERED)
def test_a_header_that_was_tampered_with_is_one_clear_error(folder: Path, kind: str) -> None:
    (folder / "recording.json").write_bytes(TAMPERED[kind].encode("utf-8", "surrogatepass"))
    assert unfinished(folder.parent) == []
    with pytest.raises(BadInputError, match=r"recording\.json"):
        document_of(folder)


@pytest.mark.skipif(os.name != "posix", reason="named pipes")
def test_what_is_no_file_is_not_read(folder: Path) -> None:
    os.mkfifo(folder / "1-1.jsonl")
    (folder / "2-2.jsonl").mkdir()
    assert b'"fn": "tool"' in document_of(folder)

"""`validate --replay`: patches proved with the answers that were recorded, asking nobody; and what interrupts it."""

import json
import subprocess
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import Result

from harnessfix.validation.resuming import FILE
from harnessfix.validation.trials import Trials
from harnessfix.workspace import Workspace
from harnessfix_repairs.validation.runner import TaskResult
from harnessfix_repairs.validation.worktree import Tree

Run = Callable[..., Result]

SCRIPTED = """\
class Model:
    def __init__(self, replies):
        self.replies = list(replies)

    def complete(self, messages):
        return self.replies.pop(0)
"""
OVER_HTTP = """\
import os
from urllib.request import Request, urlopen


class Model:
    def __init__(self, replies):
        pass

    def complete(self, messages):
        body = json.dumps({"model": "m", "messages": messages}).encode()
        with urlopen(Request(os.environ["MODEL"], body, {"content-type": "application/json"})) as response:
            return json.load(response)["choices"][0]["message"]["content"]
"""
REPLIES = ('{"tool": "list_files", "pattern": "*"}', '{"tool": "done", "answer": "nothing there"}')


@pytest.fixture
def asked(tmp_path: Path, run: Run, harness: str, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The requests that reached the model of an agent that was recorded in `tmp_path`, and asks over HTTP."""
    seen: list[bytes] = []

    class Provider(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.rfile.read(int(self.headers["content-length"])))
            body = json.dumps({"choices": [{"message": {"content": REPLIES[(len(seen) - 1) % 2]}}]}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Tests are quiet."""

    (tmp_path / "agent.py").write_text(harness.replace(SCRIPTED, OVER_HTTP))
    (tmp_path / "harnessfix.toml").write_text("")
    server = HTTPServer(("127.0.0.1", 0), Provider)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("MODEL", f"http://127.0.0.1:{server.server_port}/v1/chat/completions")
    try:
        run(tmp_path, "record", "--", sys.executable, "agent.py", "locked")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    return seen


def _flaw(run: Run, folder: Path, rule: str) -> str:
    found = json.loads(run(folder, "check", "--format", "json").stdout)["findings"]
    return str(next(one["flaw"] for one in found if one["rule"] == rule))


def test_a_patch_is_proved_up_to_the_first_request_that_differs(run: Run, tmp_path: Path, asked: list[bytes]) -> None:
    assert len(asked) == 2
    done = run(tmp_path, "validate", _flaw(run, tmp_path, "T102"), "--replay", "latest", "--format", "json")
    (validation,) = json.loads(done.stdout)["validations"]
    assert validation["outcome"] == "accepted", validation["reason"]
    assert "the proof holds for 1 of 2 recorded answers, until one request (step s" in validation["reason"]
    (row,) = validation["rows"]
    assert [run["replay"]["difference"] for run in row["baseline"]] == ["", ""]
    assert "request 2 differs at character" in row["patched"][0]["replay"]["difference"]
    assert "the folder is locked" in row["patched"][0]["replay"]["difference"]
    assert len(asked) == 2


def test_a_harness_that_asks_otherwise_by_itself_proves_nothing(run: Run, tmp_path: Path, asked: list[bytes]) -> None:
    source = (tmp_path / "agent.py").read_text()
    (tmp_path / "agent.py").write_text(source.replace('"Tool result: "', '"Tool said: "'))
    done = run(tmp_path, "validate", _flaw(run, tmp_path, "T102"), "--replay", "latest", "--format", "json")
    (validation,) = json.loads(done.stdout)["validations"]
    assert validation["outcome"] == "inconclusive"
    assert "the unpatched harness does not ask what was recorded: request 2 differs" in validation["reason"]
    assert "recorded 'result: " in validation["reason"]


def _validated(run: Run, project: Path, *more: str) -> dict[str, Any]:
    done = run(project, "validate", _flaw(run, project, "T102"), "--replay", "locked", "--format", "json", *more)
    (validation,) = json.loads(done.stdout)["validations"]
    assert isinstance(validation, dict)
    return validation


def test_a_scripted_model_is_not_asked_again(run: Run, project: Path) -> None:
    source = (project / "agent.py").read_text()
    before, mark, after = source.partition("return self.replies.pop(0)")
    assert mark
    (project / "agent.py").write_text(f'{before}raise ConnectionError("the model is gone"){after}')
    validation = _validated(run, project)
    assert validation["outcome"] == "accepted", validation["reason"]
    assert "the proof holds for 1 of 2 recorded answers" in validation["reason"]
    assert "asked again" not in " ".join(validation["notes"])


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return Text(self.replies.pop(0))", "what it returned is more than plain data"),
        ("messages.append(NOTE)\n        return self.replies.pop(0)", "does more than reply"),
    ],
)
def test_a_model_whose_replies_cannot_be_given_is_asked_again_and_compared(
    run: Run, tmp_path: Path, harness: str, body: str, told: str
) -> None:
    source = harness.replace("return self.replies.pop(0)", body)
    source = source.replace("class Model:", 'NOTE = {"role": "user", "content": "noted"}\n\n\nclass Model:')
    source = source.replace("class Model:", "class Text(str):\n    pass\n\n\nclass Model:")
    (tmp_path / "agent.py").write_text(source)
    (tmp_path / "harnessfix.toml").write_text("")
    run(tmp_path, "record", "--task", "locked", "--", sys.executable, "agent.py", "locked")
    validation = _validated(run, tmp_path)
    assert validation["outcome"] == "accepted", validation["reason"]
    assert told in " ".join(validation["notes"])
    assert "compared" in " ".join(validation["notes"])


def test_a_function_that_a_patch_changes_is_called_although_tools_are_played_back(run: Run, project: Path) -> None:
    validation = _validated(run, project, "--replay-tools")
    assert validation["outcome"] == "accepted", validation["reason"]
    assert "the proof holds for 1 of 2 recorded answers" in validation["reason"]


def test_a_run_without_a_program_cannot_be_replayed(run: Run, tmp_path: Path) -> None:
    program = "print('no model here')"
    (tmp_path / "harnessfix.toml").write_text("")
    run(tmp_path, "record", "--", sys.executable, "-c", program)
    done = run(tmp_path, "validate", "--replay", "latest")
    assert done.exit_code == 2
    assert "cannot be replayed: no model was asked in it" in done.stderr


def test_a_command_that_a_file_names_is_never_run(run: Run, tmp_path: Path, asked: list[bytes]) -> None:
    store = Workspace.open(tmp_path).store
    data = store.blob(store.runs()[0].id)[0]
    store.close()
    for name in ("record", "agent.py::x"):
        other = tmp_path / f"other-{len(name)}"
        other.mkdir()
        (other / "harnessfix.toml").write_text("")
        (other / name).write_bytes(data.replace(b"agent.py", b"absent.py"))
        run(other, "import", name)
        done = run(other, "validate", "--replay", "latest")
        assert done.exit_code == 2
        assert "what a file says is not run" in done.stderr, done.stderr


def test_pytest_node_ids_are_tasks(run: Run, project: Path) -> None:
    (project / "test_agent.py").write_text(
        "import agent\n\n\ndef test_locked():\n"
        "    answer = agent.Agent(agent.Model(agent.REPLIES['locked'])).run('x')\n    assert answer\n"
    )
    (project / "harnessfix.toml").write_text(
        f'exclude = ["test_*.py"]\n[validate]\npytest = "{sys.executable} -m pytest -q -p no:cacheprovider {{task}}"\n'
    )
    flaw = _flaw(run, project, "T102")
    done = run(project, "validate", flaw, "--task", "test_agent.py::test_locked", "--format", "json")
    (validation,) = json.loads(done.stdout)["validations"]
    assert validation["outcome"] == "accepted", validation["reason"]
    assert [one["passed"] for one in validation["rows"][0]["patched"]] == [True, True, True]


def test_an_interrupted_validation_goes_on_where_it_stopped(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flaw = _flaw(run, project, "T102")
    made: list[str] = []
    real = Trials.run

    def counted(self: Trials, task: str, tree: Tree) -> TaskResult:
        if len(made) == 3 and not (project.parent / "again").exists():
            raise KeyboardInterrupt
        made.append(task)
        return real(self, task, tree)

    monkeypatch.setattr(Trials, "run", counted)
    stopped = run(project, "validate", flaw)
    assert stopped.exit_code == 1
    assert (project / ".harnessfix" / FILE).exists()
    (project.parent / "again").touch()
    done = run(project, "validate", flaw, "--format", "json")
    (validation,) = json.loads(done.stdout)["validations"]
    assert validation["outcome"] == "accepted", validation["reason"]
    assert "3 runs are those of an interrupted validation" in validation["notes"]
    assert len(made) == 2 * 2 * 2  # two tasks, twice, on both sides
    assert not (project / ".harnessfix" / FILE).exists()


def test_a_regression_test_is_written_once_it_failed_and_passed(run: Run, tmp_path: Path, asked: list[bytes]) -> None:
    source = (tmp_path / "agent.py").read_text()
    flaw = _flaw(run, tmp_path, "T102")
    done = run(tmp_path, "validate", flaw, "--replay", "latest", "--tests", "tests")
    assert "it failed without the patch and passed with it" in done.stderr, done.stderr
    test = tmp_path / "tests" / f"test_t102_{flaw}.py"
    assert "rule='T102'" in test.read_text()
    assert (tmp_path / "agent.py").read_text() == source
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 1
    run(tmp_path, "repair", flaw, "--apply")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0
    assert len(asked) == 2

"""A small harness with a flaw, recorded once, for all tests of the command line."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harnessfix.cli import main

HARNESS = '''\
"""An agent that answers questions about a folder."""

import json
import sys


class Model:
    def __init__(self, replies):
        self.replies = list(replies)

    def complete(self, messages):
        return self.replies.pop(0)


def list_files(pattern):
    """List files."""
    try:
        if pattern == "*":
            raise PermissionError("the folder is locked")
        return "a.txt"
    except Exception:
        return ""


TOOLS = {"list_files": list_files}


class Agent:
    def __init__(self, model, steps=4):
        self.model = model
        self.steps = steps

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(self.steps):
            reply = self.model.complete(messages)
            messages.append({"role": "assistant", "content": reply})
            call = json.loads(reply)
            if call["tool"] == "done":
                return call["answer"]
            tool = TOOLS.get(call["tool"])
            result = tool(call["pattern"]) if tool else f"no tool {call['tool']}"
            messages.append({"role": "user", "content": "Tool result: " + result})
        return "gave up"


REPLIES = {
    "good": ['{"tool": "list_files", "pattern": "a*"}', '{"tool": "done", "answer": "a.txt"}'],
    "locked": ['{"tool": "list_files", "pattern": "*"}', '{"tool": "done", "answer": "nothing there"}'],
}

if __name__ == "__main__":
    answer = Agent(Model(REPLIES[sys.argv[1]])).run("Which files are there?")
    print(answer)
    sys.exit(0 if "a.txt" in answer or "locked" in answer else 1)
'''

SETTINGS = """\
[validate]
command = "{python} agent.py {{task}}"
tasks = ["good", "locked"]
repeats = 2
timeout = 60
"""

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in a folder; the result has `stdout`, `stderr` and `exit_code`."""

    def invoke(folder: Path, *arguments: str) -> Result:
        monkeypatch.chdir(folder)
        return CliRunner().invoke(main, arguments, catch_exceptions=False)

    return invoke


@pytest.fixture(scope="session")
def harness() -> str:
    """Source of the small harness."""
    return HARNESS


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, with one run of each task in its store. Do not change it: take `project`."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "agent.py").write_text(HARNESS)
    (folder / "harnessfix.toml").write_text(SETTINGS.format(python=sys.executable))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for task in ("good", "locked"):
            arguments = ["record", "--task", task, "--", sys.executable, "agent.py", task]
            CliRunner().invoke(main, arguments, catch_exceptions=False)
    return folder


@pytest.fixture
def project(recorded: Path, tmp_path: Path) -> Path:
    """A copy of the recorded project to change at will.

    The runs name the folder that they were recorded in as their harness, so the copy takes its place in the store.
    """
    target = tmp_path / "project"
    shutil.copytree(recorded, target, ignore=shutil.ignore_patterns(".harnessfix", "__pycache__"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(target)
        for task in ("good", "locked"):
            arguments = ["record", "--task", task, "--", sys.executable, "agent.py", task]
            CliRunner().invoke(main, arguments, catch_exceptions=False)
    return target

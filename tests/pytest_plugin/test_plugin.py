"""The pytest plugin, by running pytest: off unless asked, silent when off, runs and flaws when on."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harnessfix.pipeline import Pipeline
from harnessfix.workspace import Workspace

AGENT = """\
class Model:
    def __init__(self, replies):
        self.replies = list(replies)

    def complete(self, messages):
        return self.replies.pop(0)


def lookup(key):
    try:
        return {"a": "1"}[key]
    except Exception:
        return ""


TOOLS = {"lookup": lookup}


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(5):
            reply = self.model.complete(messages)
            messages.append({"role": "assistant", "content": reply})
            if reply.startswith("done"):
                return reply
            messages.append({"role": "user", "content": TOOLS["lookup"](reply)})
        return "gave up"
"""
TESTS = """\
import pytest
from agent import Agent, Model


def test_found():
    assert Agent(Model(["a", "done 1"])).run("find a") == "done 1"


def test_missing():
    assert Agent(Model(["zebra", "done ?"])).run("find zebra") == "done: not there"


def test_plain():
    assert 1 + 1 == 2
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "agent.py").write_text(AGENT)
    (tmp_path / "test_agent.py").write_text(TESTS)
    (tmp_path / "pyproject.toml").write_text(
        "[tool.pytest.ini_options]\naddopts = '-p no:cacheprovider -p no:asyncio'\n"
    )
    return tmp_path


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def test_off_unless_asked(project: Path) -> None:
    result = run_pytest(project)
    assert "1 failed, 2 passed" in result.stdout
    assert "harnessfix" not in result.stdout
    assert not (project / ".harnessfix").exists()


def test_help_shows_the_group(project: Path) -> None:
    shown = run_pytest(project, "--help").stdout
    assert "--harnessfix-fail-on" in shown


@pytest.mark.parametrize("extra", [(), ("-n", "2")], ids=["one process", "xdist"])
def test_each_test_that_drives_an_agent_is_a_run(project: Path, extra: tuple[str, ...]) -> None:
    result = run_pytest(project, "--harnessfix", "--harnessfix-report=report.json", *extra)
    assert "1 failed, 2 passed" in result.stdout
    assert "agent.py:" in result.stdout
    assert "in test_agent.py::test_missing" in result.stdout
    report = json.loads((project / "report.json").read_text())
    assert report["schema"] == "harnessfix.check/1"
    assert report["summary"]["runs"] == 2, "the plain test drove no agent"
    swallowed = next(finding for finding in report["findings"] if finding["rule"] == "T102")
    assert swallowed["support"] == {"failed": 1, "passed": 0, "unknown": 0}
    assert result.returncode == 1


def test_the_run_of_a_failed_test_knows_what_the_test_speaks_of(project: Path) -> None:
    run_pytest(project, "--harnessfix")
    workspace = Workspace.open(project)
    with workspace.store as store:
        runs = [Pipeline(workspace).compile(run.id).run for run in store.runs()]
    names = {run.task.rpartition("::")[2]: run.program for run in runs}
    assert names == {"test_found": (), "test_missing": ("Agent", "Model", "run", "zebra")}


def test_secrets_of_the_settings_and_the_environment_are_not_stored(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSE_API_KEY", "swordfish")
    (project / "harnessfix.toml").write_text('[redact]\npatterns = ["zebra"]\n')
    (project / "test_agent.py").write_text(TESTS.replace("done: not there", "swordfish"))
    run_pytest(project, "--harnessfix")
    workspace = Workspace.open(project)
    with workspace.store as store:
        (run,) = [run for run in map(Pipeline(workspace).compile, (run.id for run in store.runs())) if run.run.program]
    assert run.run.program == ("Agent", "Model", "run")
    assert run.steps
    assert not [text for text in run.texts.values() if "zebra" in text]


def test_flaws_can_fail_the_session(project: Path) -> None:
    (project / "test_agent.py").write_text(TESTS.replace('"done: not there"', '"done ?"'))
    assert run_pytest(project, "--harnessfix").returncode == 0
    assert run_pytest(project, "--harnessfix", "--harnessfix-fail-on=error").returncode == 1


def test_a_marker_leaves_a_rule_out(project: Path) -> None:
    marked = TESTS.replace("def test_missing", '@pytest.mark.harnessfix(ignore=["T102", "O101"])\ndef test_missing')
    (project / "test_agent.py").write_text(marked)
    result = run_pytest(project, "--harnessfix", "--strict-markers", "--harnessfix-report=report.json")
    rules = {finding["rule"] for finding in json.loads((project / "report.json").read_text())["findings"]}
    assert "T102" not in rules
    assert "1 failed, 2 passed" in result.stdout


def test_the_plugin_module_is_light() -> None:
    load = "import sys, pytest; before = set(sys.modules); import harnessfix.pytest_plugin"
    code = f"{load}; print(set(sys.modules) - before)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("libcst", "pydantic", "sqlalchemy", "rich", "textual"):
        assert heavy not in shown

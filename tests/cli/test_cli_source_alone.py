"""What `check` finds in source of which no run is recorded is repaired, taken back, and told how to be proved."""

import json
import re
import shlex
from pathlib import Path

import pytest

from .conftest import Run

LATE = """\
class Agent:
    async def notify(self, text):
        print(text)

    async def step(self, reply):
        self.notify(reply)
"""
TESTS = """\
import pytest

from agent import Agent


def test_other():
    pytest.importorskip("json")


class TestAgent:
    def test_step(self):
        assert Agent.step
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with a harness and a test, no store, no settings."""
    (tmp_path / "agent.py").write_text(LATE)
    (tmp_path / "test_agent.py").write_text(TESTS)
    return tmp_path


def told(output: str) -> list[str]:
    """The arguments of the command that `check` names for the repair."""
    found = re.search(r"harnessfix (repair \w+.*)", output)
    assert found, output
    return shlex.split(found[1])


def test_what_check_names_is_proposed_applied_and_taken_back(run: Run, source: Path) -> None:
    command = told(run(source, "check", ".").output)
    assert len(command) == 2, "here it needs no option"
    shown = run(source, *command)
    assert shown.exit_code == 1
    assert "+        await self.notify(reply)" in shown.stdout
    assert (source / "agent.py").read_text() == LATE
    assert run(source, *command, "--apply").exit_code == 0
    assert "        await self.notify(reply)" in (source / "agent.py").read_text()
    assert "no flaws found" in run(source, "check", ".").stdout
    assert run(source, "repair", "--undo").exit_code == 0
    assert (source / "agent.py").read_text() == LATE


def test_another_folder_is_named_with_the_command(run: Run, source: Path, tmp_path: Path) -> None:
    here = tmp_path / "my agents"
    here.mkdir()
    (source / "agent.py").rename(here / "agent.py")
    (tmp_path / "other.py").write_text("x = 1\n")
    command = told(run(tmp_path, "check", "my agents", "other.py").output)
    assert command[2:] == ["--harness", "my agents"]
    assert "repair --apply FLAW --harness 'my agents'" in run(tmp_path, *command).output
    applied = run(tmp_path, *command, "--apply")
    assert applied.exit_code == 0
    assert "repair --undo --harness 'my agents'" in applied.output
    assert "await self.notify" in (here / "agent.py").read_text()
    assert run(tmp_path, "repair", "--undo", "--harness", "my agents").exit_code == 0
    assert (here / "agent.py").read_text() == LATE


def test_validation_says_that_there_is_no_run_and_what_to_run(run: Run, source: Path) -> None:
    result = run(source, "validate")
    assert result.exit_code == 1
    assert "unproved" in result.stdout
    words = " ".join(result.stderr.split())
    assert "there is no recorded run to prove it by" in words
    assert "--task test_agent.py::TestAgent::test_step," in words
    assert "test_other" not in words


def test_the_named_test_proves_the_patch(run: Run, source: Path) -> None:
    result = run(source, "validate", "--task", "test_agent.py::TestAgent::test_step", "--format", "json")
    (validation,) = json.loads(result.stdout)["validations"]
    assert validation["outcome"] == "accepted", validation["reason"]


def test_a_folder_without_source_gets_no_store(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    result = run(tmp_path, "repair")
    assert result.exit_code != 0
    assert "there is no Python file here" in " ".join(result.stderr.split())
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_store_that_was_asked_for_has_to_be_there(run: Run, source: Path) -> None:
    result = run(source, "repair", "--store", "missing.db")
    assert result.exit_code != 0
    assert "missing.db" in result.stderr
    assert not (source / "missing.db").exists()


def test_without_a_workspace_facts_are_kept_in_the_users_cache(
    run: Run, source: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path_factory.mktemp("users")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    before = set(source.iterdir())
    first = run(source, "check", ".").stdout
    kept = {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.is_file()}
    assert any("facts" in path.parts for path in kept)
    assert run(source, "check", ".").stdout == first
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.is_file()} == kept, (
        "nothing was made anew"
    )
    assert set(source.iterdir()) == before, "nothing is left in the folder"


def test_a_cache_that_cannot_be_written_is_no_trouble(run: Run, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (source / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(source / "file"))
    assert "flaw" in run(source, "check", "agent.py").stdout

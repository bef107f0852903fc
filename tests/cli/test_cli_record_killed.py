"""`harnessfix record` is killed: what the program did until then, and does after, is found and taken in."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL")

AGENT = """\
import os, pathlib, sys, time

def look(place):
    return f"sand at {place}"

def run(task):
    said = [look("here"), look("there")]
    pathlib.Path("reached").write_text(str(os.getpid()))
    while not pathlib.Path("go").exists():
        time.sleep(0.02)
    return [*said, look("afterwards")]

run("find water")
sys.exit(3)
"""
SETTINGS = '[probe]\ninclude = ["*"]\n'


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a program that stops in the middle until there is a file `go`."""
    (tmp_path / "agent.py").write_text(AGENT)
    (tmp_path / "harnessfix.toml").write_text(SETTINGS)
    return tmp_path


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something that comes, however slow the machine is."""
    end = time.monotonic() + 120
    while not true():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.02)


def start(place: Path) -> "subprocess.Popen[bytes]":
    """A recorder, in a process of its own."""
    command = [sys.executable, "-c", "from harnessfix.cli import main; main()", "record", "--", sys.executable]
    with (place / "log.txt").open("wb") as log:
        return subprocess.Popen([*command, "agent.py"], cwd=place, stdout=log, stderr=log)


def kill_in_the_middle(place: Path) -> int:
    """Record until the program is in its middle, and kill the recorder; the process of the program."""
    recorder = start(place)
    reached = place / "reached"
    until(lambda: reached.exists() and reached.read_text().isdecimal(), "the middle of the program")
    recorder.kill()
    recorder.wait()
    return int(reached.read_text())


def spool(place: Path) -> Path:
    (found,) = (folder for folder in (place / ".harnessfix" / "spool").iterdir() if folder.name != "code")
    return found


def is_gone(process: int) -> bool:
    """Whether a process has ended; nobody of ours waits for it."""
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        return True


def imported(run: Run, place: Path, folder: Path) -> str:
    """Take a recording in; the id of its run."""
    result = run(place, "import", os.path.relpath(folder, place), "--format", "json")
    assert result.exit_code == 0, result.stderr
    (made,) = json.loads(result.stdout)["runs"]
    return str(made)


def names(run: Run, place: Path, made: str) -> list[str]:
    result = run(place, "show", made, "--format", "json")
    return [f"{step['name']}:{step.get('status', 'ok')}" for step in json.loads(result.stdout)["steps"]]


def test_a_recorder_that_is_killed_leaves_all_that_was_done(run: Run, place: Path) -> None:
    program = kill_in_the_middle(place)
    folder = spool(place)
    told = run(place, "runs")
    assert "a recording was cut off" in told.stderr
    assert f"harnessfix import {os.path.relpath(folder, place)}" in told.stderr
    doctor = json.loads(run(place, "doctor", "--format", "json").stdout)["checks"]
    assert [check["state"] for check in doctor if check["what"] == "recording"] == ["loss"]

    made = imported(run, place, folder)
    assert names(run, place, made) == ["run:unfinished", "look:ok", "look:ok"]
    assert folder.exists()  # it goes on
    (place / "go").touch()
    until(lambda: is_gone(program), "the end of the program")
    assert imported(run, place, folder) == made
    assert names(run, place, made) == ["run:ok", "look:ok", "look:ok", "look:ok"]
    assert not folder.exists()
    told = run(place, "runs")
    assert "cut off" not in told.stderr
    assert "unknown" in told.stdout


def test_a_program_that_is_killed_with_its_recorder_is_read_to_its_last_step(run: Run, place: Path) -> None:
    os.kill(kill_in_the_middle(place), signal.SIGKILL)
    folder = spool(place)
    elsewhere = place / "elsewhere"
    shutil.copytree(folder, elsewhere / "taken" / "along")
    made = imported(run, place, folder)
    assert names(run, place, made) == ["run:unfinished", "look:ok", "look:ok"]
    shown = json.loads(run(place, "show", made, "--format", "json").stdout)
    assert shown["run"]["harness"] == [str(place)]
    # One from elsewhere says nothing of files to be read here; below a folder it is found as one.
    assert imported(run, place, elsewhere) == made
    shown = json.loads(run(place, "show", made, "--format", "json").stdout)
    assert "harness" not in shown["run"]
    assert (elsewhere / "taken" / "along").exists()


def test_a_recorder_that_is_killed_while_it_stores_knows_how_the_program_ended(run: Run, place: Path) -> None:
    assert run(place, "runs").exit_code in (0, 2)
    assert run(place, "record", "--", sys.executable, "-c", "pass").exit_code == 0  # makes the store
    held = sqlite3.connect(place / ".harnessfix" / "store.db", isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")
    (place / "go").touch()
    recorder = start(place)
    until(lambda: (place / "reached").exists() and (spool(place) / "ended.json").exists(), "the end of the program")
    recorder.kill()
    recorder.wait()
    held.execute("ROLLBACK")
    held.close()
    made = imported(run, place, spool(place))
    assert names(run, place, made) == ["run:ok", "look:ok", "look:ok", "look:ok"]
    shown = json.loads(run(place, "show", made, "--format", "json").stdout)
    assert (shown["run"]["exit_code"], shown["run"]["outcome"]) == (3, "failed")


def test_a_recording_that_goes_on_is_left_alone(run: Run, place: Path) -> None:
    recorder = start(place)
    until(lambda: (place / "reached").exists(), "the middle of the program")
    folder = spool(place)
    assert "cut off" not in run(place, "runs").stderr
    refused = run(place, "import", str(folder))
    assert (refused.exit_code, "goes on" in refused.stderr) == (2, True)
    (place / "go").touch()
    assert recorder.wait() == 3
    assert not folder.exists()

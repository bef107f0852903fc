"""How programs and their children end: codes, signals, kills, orphans; what was written before stays readable."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Play = Callable[..., Any]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and /proc")

CODES = """
import os, signal, sys, threading, time

def tool(how):
    if how == "exit":
        sys.exit(3)
    if how == "text":
        sys.exit("said goodbye")
    if how == "system_exit":
        raise SystemExit
    if how == "_exit":
        os._exit(5)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "interrupt":
        signal.raise_signal(signal.SIGINT)
        time.sleep(1)
    if how == "abort":
        sys.stdout.flush()
        os.abort()
    if how == "daemon":
        threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
    if how == "closed":
        os.closerange(3, 4096)
        with open("written.txt", "w") as file:
            file.write("mine")
        print(open("written.txt").read(), file.fileno() if not file.closed else "closed")
    if how == "numbers":
        with open(__file__) as file:
            print(file.fileno())
    if how == "hook":
        import atexit
        atexit.register(print, "at exit")
    return how

def main():
    before()
    print(tool(sys.argv[1]))
    after()

def before():
    return "before"

def after():
    return "after"

if __name__ == "__main__":
    main()
"""
HOWS = ["exit", "text", "system_exit", "_exit", "kill", "interrupt", "abort", "daemon", "closed", "numbers", "hook"]
CUT_SHORT = {"_exit", "kill", "abort"}


@pytest.mark.parametrize("how", HOWS)
def test_same_exit(play: Play, python: str, how: str) -> None:
    played = play(python, CODES, "agent.py", how)
    played.assert_same()
    assert played.step("before").status == "ok"
    tool = played.step("tool")
    if how in CUT_SHORT:
        assert tool.status == "unfinished"
        assert tool.missing
    else:
        assert tool.ended_ns is not None
    (run,) = played.runs
    assert run.run.outcome == ("passed" if played.code == 0 else "failed")
    assert played.result.signal == {"kill": 9, "abort": 6, "interrupt": 2}.get(how)
    if how == "closed":
        assert (played.folder / "written.txt").read_text() == "mine"
        assert played.step("after").status == "ok"


LAST = """
import os, sys

class Tool:
    left = 0

    def __del__(self):
        self.close()

    def close(self, write=os.write):
        for piece in self.stream("bye"):
            try:
                print(piece, sorted(name for name in dir() if name[0] == "@"))
                int(piece)
            except ValueError as error:
                print(type(error).__name__, str(error)[:7])
        text = piece[:2] + "..."
        write(1, (self.left or text).encode())  # where nothing is left to print with
        return text

    def stream(self, messages):
        yield messages

TOOLS = [Tool()]
sys.kept = Tool()
"""


def test_destructors_of_the_last_objects(play: Play, python: str) -> None:
    played = play(python, LAST, include=("*:Tool.*",))
    played.assert_same()
    assert (played.plain.stderr, "by..." in played.plain.stdout) == ("", True)


ORPHANS = """
import os, signal, subprocess, sys

def leaves(command):
    try:
        subprocess.run(command, shell=True, timeout=0.3, capture_output=True, **GIVEN)
    except subprocess.TimeoutExpired:
        return "timed out"

def kills(command):
    process = subprocess.Popen(command, shell=True, start_new_session=True, stdout=subprocess.DEVNULL)
    try:
        process.wait(0.3)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return "killed"

def positional(command):
    return subprocess.Popen(["sh", "-c", command], -1, None, None, subprocess.DEVNULL, subprocess.DEVNULL, None, True,
                            False, None, {"PATH": os.environ["PATH"]})

def inside(command):
    return leaves(command)

GIVEN = {}
print(leaves("sleep 4; echo"), kills("sleep 4; echo"))
GIVEN = {"env": {"PATH": os.environ["PATH"]}}
print(inside("sleep 4; echo"))
process = positional("sleep 4")
process.kill()
process.wait()
print(subprocess.run(["env"], env={"A": "1"}, capture_output=True, text=True).stdout)

def shows_environment():
    return subprocess.run(["env"], env={"A": "1"}, capture_output=True, text=True).stdout.replace(
        os.environ.get("HARNESSFIX_TRACE", "-"), "TRACE")

def own_trace():
    return subprocess.run(["env"], env={"TRACEPARENT": "00-mine"}, capture_output=True, text=True).stdout

shown = shows_environment()
assert shown.startswith("A=1") and shown.count("=") <= 2
print(own_trace())
"""


def test_children_left_alive(play: Play, python: str) -> None:
    played = play(python, ORPHANS)
    played.assert_same()
    alive = {
        (step.name, played.above(step)[0] if step.parent else ""): event.attributes
        for step in played.steps
        for event in step.events
        if event.name == "children_alive"
    }
    assert set(alive) == {("leaves", ""), ("leaves", "inside"), ("positional", "")}
    for told in alive.values():
        assert any("sleep 4" in command for command in told["commands"])
        assert told["spawned"] == 1
        for pid in told["pids"]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    effects = [(effect.detail, effect.resource) for effect in played.step("leaves").effects]
    assert ("spawn", "sleep 4; echo") in effects


WAITS = """
import subprocess, sys, time

def tool(text):
    print("ready", flush=True)
    time.sleep(30)

def first():
    return "x" * 200

def main():
    first()
    try:
        tool("wait")
    except KeyboardInterrupt:
        print("interrupted")
        sys.exit(7)

main()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 7), (signal.SIGTERM, 128 + signal.SIGTERM)])
def test_signals_reach_the_program(play: Play, tmp_path: Path, number: int, code: int) -> None:
    (tmp_path / "agent.py").write_text(WAITS)
    driver = (
        "import sys, pathlib\n"
        "from harnessfix_collectors.record import record\n"
        "from harnessfix_ir.source import read_harness\n"
        "here = pathlib.Path('.').resolve()\n"
        "result = record([sys.executable, 'agent.py'], model=read_harness([here]), spool_root=here / 'spool',\n"
        "                include=['*'], cwd=here)\n"
        "pathlib.Path('document').write_bytes(result.data)\n"
        "sys.exit(result.exit_code)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", driver], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert process.wait(20) == code
    process.stdout.close()
    assert b'"t":"end"' in (tmp_path / "document").read_bytes()


def test_a_time_out_ends_the_program(play: Play) -> None:
    began = time.monotonic()
    played = play(sys.executable, WAITS, both=False, timeout=4)
    assert time.monotonic() - began < 25
    assert played.result.timed_out
    assert played.code == 124
    assert played.result.missing == ("the program did not end in time and was stopped",)
    assert played.step("first").status == "ok"
    assert played.step("tool").status == "unfinished"

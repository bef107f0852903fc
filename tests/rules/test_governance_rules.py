"""Rules of execution and governance where their examples do not reach: other forms, and cases to leave alone."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harnessfix.rules.governance.g104_write_outside_workspace import WriteOutsideWorkspace

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="recordings here run POSIX programs")

Run = Callable[[Mapping[str, str]], Any]

AGENT = '''\
import contextlib
import json
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(tempfile.mkdtemp()).resolve()


def act(GIVEN):
    """Act."""
    BODY


TOOLS = {"act": act}


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(6):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for call in reply["tool_calls"]:
                answer = TOOLS["act"](**json.loads(call["function"]["arguments"]))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": str(answer)})
'''
MAIN = """\
from agent import Agent
from model import Model, call, say

calls = [call("act", given, f"call_{n}") for n, given in enumerate(CALLS)]
Agent(Model(*calls, say("done"))).run("Act.")
"""


def _files(given: str, body: str, calls: list[dict[str, str]]) -> dict[str, str]:
    inside = "\n".join(f"    {line}" if n else line for n, line in enumerate(body.splitlines()))
    agent = AGENT.replace("GIVEN", given).replace("BODY", inside)
    return {"agent.py": agent, "main.py": MAIN.replace("CALLS", repr(calls))}


WRITE = "(ROOT / 'sub').mkdir(exist_ok=True)\n(ROOT / where / path).write_text('x')"


@pytest.mark.parametrize(
    ("calls", "speaks"),
    [
        ([{"where": "", "path": "a.txt"}, {"where": "", "path": "sub/b.txt"}], False),
        ([{"where": "", "path": "a.txt"}, {"where": "sub", "path": "../b.txt"}], False),
        ([{"where": "", "path": "a.txt"}, {"where": "", "path": "../harnessfix-test-b.txt"}], True),
        ([{"where": "", "path": "a.txt"}, {"where": "", "path": "/tmp/harnessfix-test-c.txt"}], True),
    ],
)
def test_g104_by_where_a_path_leads_not_by_how_it_looks(
    run_harness: Run, calls: list[dict[str, str]], speaks: bool
) -> None:
    assert bool(run_harness(_files("where, path", WRITE, calls)).said("G104")) is speaks


@pytest.mark.parametrize(
    ("body", "speaks"),
    [
        ("os.chdir(ROOT)", True),
        ("with contextlib.ExitStack() as stack:\n    here = os.getcwd()\n    os.chdir(ROOT)\n"
         "    stack.callback(os.chdir, here)", False),
        ("return subprocess.run(command, shell=True, cwd=ROOT, capture_output=True).returncode", False),
    ],
)  # fmt: skip
def test_e103_a_folder_that_is_left_again_is_no_matter(run_harness: Run, body: str, speaks: bool) -> None:
    assert bool(run_harness(_files("command", body, [{"command": "true"}])).said("E103")) is speaks


RUN = "done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=9)\n"


@pytest.mark.parametrize(
    ("body", "command", "speaks"),
    [
        (RUN + "return done.stdout", "false", True),
        (RUN + "return done.stdout", "echo hello", False),
        (RUN + "return done.stdout or done.stderr or done.returncode", "false", False),
        (
            "return subprocess.run(command, shell=True, check=True, capture_output=True, timeout=9).stdout",
            "true",
            False,
        ),
    ],
)
def test_e107_silence_of_a_command_needs_its_exit_status(
    run_harness: Run, body: str, command: str, speaks: bool
) -> None:
    assert bool(run_harness(_files("command", body, [{"command": command}])).said("E107")) is speaks


LATE = """\
try:
    subprocess.run(command, shell=True, timeout=0.4)
except subprocess.TimeoutExpired:
    return 'late'"""


@pytest.mark.parametrize(
    ("body", "command", "speaks"),
    [
        (LATE, "sleep 2; true", True),
        (LATE, "exec sleep 2", False),  # the shell became the command: nothing is left
        ("subprocess.Popen(command, shell=True)\nreturn 'started'", "sleep 1", False),  # left running on purpose
    ],
)  # fmt: skip
def test_e102_only_what_a_timeout_left_behind(run_harness: Run, body: str, command: str, speaks: bool) -> None:
    assert bool(run_harness(_files("command", body, [{"command": command}])).said("E102")) is speaks


CHAT = """\
class Agent:
    def __init__(self, model):
        self.model = model
        self.messages = [{"role": "system", "content": "Be brief."}]

    def run(self, task):
        RESET
        self.messages.append({"role": "user", "content": task})
        for _ in range(3):
            reply = self.model.query(self.messages)
            self.messages.append(reply)
            if reply["content"].endswith("."):
                return reply["content"]
"""
TWICE = """\
from agent import Agent
from model import Model, say

agent = Agent(Model(say("The capital is Paris."), say("Because the king lived there.")))
agent.run("Name the capital of France.")
agent.run("Why?")
"""


@pytest.mark.parametrize(("name", "speaks"), [("messages", True), ("SYSTEM_MESSAGES", False)])
def test_e104_a_constant_of_a_class_is_shared_by_right(run_harness: Run, name: str, speaks: bool) -> None:
    loop = """
class Agent:
    NAME = [{"role": "system", "content": "Be brief."}]

    def __init__(self, model):
        self.model = model

    def run(self, task):
        for _ in range(3):
            self.NAME.append({"role": "user", "content": task})
            reply = self.model.query(self.NAME)
            if reply["content"]:
                return reply["content"]
"""
    assert bool(run_harness({"agent.py": loop.replace("NAME", name)}).said_of_source("E104")) is speaks


@pytest.mark.parametrize(
    ("reset", "speaks"),
    [("pass", False), ('self.messages.append({"role": "system", "content": "Be brief."})', True)],
)
def test_e104_a_chat_goes_on_a_run_begins_anew(run_harness: Run, reset: str, speaks: bool) -> None:
    files = {"agent.py": CHAT.replace("RESET", reset), "main.py": TWICE}
    assert bool(run_harness(files).said("E104")) is speaks


@pytest.mark.parametrize(
    ("name", "returns", "speaks"),
    [("needs_approval", "False", True), ("needs_approval", "True", False),
     ("is_allowed", "True", True), ("is_allowed", "False", False)],
)  # fmt: skip
def test_g108_a_gate_that_cannot_read_says_no(run_harness: Run, name: str, returns: str, speaks: bool) -> None:
    gate = f"def {name}(command):\n    try:\n        json.loads(command)\n    except ValueError:\n        pass\n"
    files = _files("command", f"{name}(command)\nreturn 'acted'", [{"command": "not json"}])
    files["agent.py"] = files["agent.py"].replace("def act", f"{gate}    return {returns}\n\n\ndef act")
    assert bool(run_harness(files).said("G108")) is speaks


def test_the_helper_that_makes_the_path_is_blamed_before_the_tool(run_harness: Run) -> None:
    agent = WriteOutsideWorkspace.bad.files["agent.py"].replace(
        "        target = self.root / path\n", "        target = self.inside(path)\n"
    )
    agent += "\n    def inside(self, path):\n        return (self.root / path).resolve()\n"
    (found,) = run_harness({**WriteOutsideWorkspace.bad.files, "agent.py": agent}).said("G104")
    assert [anchor.qualname for anchor in found.anchors][:2] == ["Agent.inside", "Agent.write_file"]


@pytest.mark.parametrize(("reply", "blamed"), [('call("look", {"key": "a"})', ["read"]), ('say("done")', [])])
def test_a_client_that_evaluates_the_arguments_of_calls(run_harness: Run, reply: str, blamed: list[str]) -> None:
    agent = """
class Client:
    def __init__(self, model):
        self.model = model

    def generate(self, messages):
        reply = self.model.query(messages)
        for call in reply.get("tool_calls", []):
            call["arguments"] = read(call["function"]["arguments"])
        return reply


def read(arguments):
    return eval(arguments)
"""
    main = f"""
from agent import Client
from model import Model, call, say

print(Client(Model({reply})).generate([{{"role": "user", "content": "Look."}}]))
"""
    found = run_harness({"agent.py": agent, "main.py": main}).said("G106")
    assert [finding.anchors[0].qualname for finding in found] == blamed

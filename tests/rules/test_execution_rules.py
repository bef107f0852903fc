"""Rules of execution where their examples do not reach: other forms, and cases they must leave alone."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harnessfix.rules.execution.e112_wrong_exit import WrongExit
from harnessfix.rules.execution.e113_changed_argument import ChangedArgument
from harnessfix_ir.source import read_harness

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="recordings here run POSIX programs")

Run = Callable[[Mapping[str, str]], Any]


@pytest.mark.parametrize(("decorator", "speaks"), [("@model_validator", False), ("@traced", True)])
def test_e113_a_validator_puts_right_what_it_is_given(run_harness: Run, decorator: str, speaks: bool) -> None:
    files = dict(ChangedArgument.bad.files)
    name = decorator.removeprefix("@")
    source = files["agent.py"].replace("    def query(", f"    {decorator}\n    def query(")
    files["agent.py"] = f"def {name}(function):\n    return function\n\n\n{source}"
    assert bool(run_harness(files).said("E113")) is speaks


@pytest.mark.parametrize(("name", "speaks"), [("query", True), ("handle_query", False), ("_call_tools", False)])
def test_e113_a_function_that_says_that_it_does_something_may(run_harness: Run, name: str, speaks: bool) -> None:
    files = dict(ChangedArgument.bad.files)
    files["agent.py"] = files["agent.py"].replace("def query(", f"def {name}(").replace("self.query(", f"self.{name}(")
    assert bool(run_harness(files).said("E113")) is speaks


@pytest.mark.parametrize(("declared", "speaks"), [("MutableSequence[dict]", False), ("Sequence[dict]", True)])
def test_e113_what_is_declared_to_be_changed_may_be(run_harness: Run, declared: str, speaks: bool) -> None:
    files = dict(ChangedArgument.bad.files)
    source = files["agent.py"].replace("def query(self, messages", f"def query(self, messages: {declared}")
    files["agent.py"] = f"from collections.abc import MutableSequence, Sequence\n\n{source}"
    assert bool(run_harness(files).said("E113")) is speaks


@pytest.mark.parametrize(("name", "speaks"), [("usage", False), ("tags", True)])
def test_e113_usage_below_an_argument_is_there_to_be_added_to(run_harness: Run, name: str, speaks: bool) -> None:
    files = dict(ChangedArgument.bad.files)
    files["agent.py"] = (
        files["agent.py"]
        .replace('[{"role": "user", "content": task', f'[{{"{name}": {{"n": 0}}, "role": "user", "content": task')
        .replace('marked[-1]["cache_control"] = {"type": "ephemeral"}', f'marked[0]["{name}"]["n"] += 1')
    )
    assert bool(run_harness(files).said("E113")) is speaks


@pytest.mark.parametrize(("value", "speaks"), [("None", False), ("True", True)])
def test_e113_a_key_that_says_nothing_is_no_change(run_harness: Run, value: str, speaks: bool) -> None:
    files = dict(ChangedArgument.bad.files)
    files["agent.py"] = files["agent.py"].replace('{"type": "ephemeral"}', value)
    assert bool(run_harness(files).said("E113")) is speaks


AGENT = """\
class Agent:
    def __init__(self, model):
        self.model, self.turns, self.total_cost, self.notes = model, 0, 0.0, []

    def run(self, task):
        BEGIN
        messages = [{"role": "user", "content": task}]
        while self.turns < 4:
            self.turns += 1
            self.total_cost += 0.5
            self.notes.append(task)
            messages.append(self.model.query(messages))
            if messages[-1]["content"] == "done":
                return messages[-1]["content"]
"""
TWICE = """\
from agent import Agent
from model import Model, say

agent = Agent(Model(*map(say, ["go on", "done", "go on", "done"])))
agent.run("Weigh the first crate.")
agent.run("Weigh the second crate.")
raise SystemExit(1)
"""


@pytest.mark.parametrize(
    ("begin", "fields"),
    [
        pytest.param("pass", ["turns"], id="a loop goes by it"),
        pytest.param("self.turns, self.notes = 0, []", None, id="all is set back"),
        pytest.param("self.turns = 0", None, id="another field is set back, and nobody knows which run failed"),
    ],
)
def test_e125_what_belongs_to_a_run(run_harness: Run, begin: str, fields: list[str] | None) -> None:
    said = run_harness({"agent.py": AGENT.replace("BEGIN", begin), "main.py": TWICE}).said("E125")
    assert [d.parameters["fields"] for d in said] == ([] if fields is None else [fields])
    assert {d.anchors[0].qualname for d in said} <= {"Agent.run"}


JUDGES = """\
import asyncio


async def judge(name, seconds):
    await asyncio.sleep(seconds)
    if name == "strict":
        raise RuntimeError("the strict judge is out of order")
    return name


async def first_verdict(names):
    tasks = [asyncio.create_task(judge(name, number / 20)) for number, name in enumerate(names)]
    for done in asyncio.as_completed(tasks):
        ASK


class Agent:
    def __init__(self, model):
        self.model = model

    async def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(3):
            messages.append(self.model.query(messages))
            if messages[-1]["content"] == "done":
                return await first_verdict(["strict", "mild", "kind"])
"""
JUDGED = """\
import asyncio

from agent import Agent
from model import Model, say

asyncio.run(Agent(Model(say("done"))).run("Judge the crate."))
"""
TIDY = """try:
            verdict = await done
        except Exception:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise"""


@pytest.mark.parametrize(("ask", "blamed"), [("verdict = await done", ["first_verdict"]), (TIDY, [])])
def test_e110_blames_the_function_that_started_what_goes_on(run_harness: Run, ask: str, blamed: list[str]) -> None:
    said = run_harness({"agent.py": JUDGES.replace("ASK", ask), "main.py": JUDGED}).said("E110")
    assert [diagnosis.anchors[0].qualname for diagnosis in said] == blamed
    assert all(diagnosis.operator is None for diagnosis in said)


LIBRARY = """\
import asyncio

SOURCE = '''
import asyncio


async def write_log():
    await asyncio.sleep(9)


def begin():
    global kept
    kept = asyncio.ensure_future(write_log())
'''
library = {}
exec(compile(SOURCE, "<library>", "exec"), library)


async def write_note():
    await asyncio.sleep(9)


class Agent:
    def __init__(self, model):
        self.model = model

    async def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(3):
            messages.append(self.model.query(messages))
            BEGIN
            await asyncio.sleep(0)
            if messages[-1]["content"] == "done":
                raise ValueError("nothing is done")
"""


@pytest.mark.parametrize(
    ("begin", "blamed"),
    [
        ('library["begin"]()', []),
        ("kept = asyncio.ensure_future(write_note())", ["Agent.run"]),
        ("kept = [asyncio.ensure_future(job()) for job in (write_note,)]", ["Agent.run"]),
    ],
)
def test_e110_is_silent_of_what_a_library_began(run_harness: Run, begin: str, blamed: list[str]) -> None:
    said = run_harness({"agent.py": LIBRARY.replace("BEGIN", begin), "main.py": JUDGED}).said("E110")
    assert [diagnosis.anchors[0].qualname for diagnosis in said] == blamed


TWO_EXITS = """\
def run(factory, command):
    manager = factory()
    sandbox = manager.__enter__()
    try:
        found = sandbox.run(command)
    except Exception as error:
        sandbox.__exit__(type(error), error, None)
        raise
    sandbox.__exit__(None, None, None)
    return found
"""


def test_a_shape_that_stands_twice_in_a_function_is_one_flaw_of_two_places(tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text(TWO_EXITS, encoding="utf-8")
    (found,) = WrongExit().check_source(read_harness([tmp_path]))
    assert [place.start_line for place in found.anchors] == [7, 9]
    assert found.message.endswith("The same stands at line 9.")

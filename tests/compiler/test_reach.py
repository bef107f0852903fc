"""Steps without code information, in a program on a framework that brings more than the program uses."""

from pathlib import Path

import pytest

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.compiler import compile_run
from harnessfix_ir.compiler.routes.reach import Reach
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.source import read_harness
from harnessfix_ir.steps import ErrorInfo, Part, Source, TraceStep
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import ElementRole, Evidence, StepKind

PROGRAM = """
from frame.agent import Agent
from frame.north import NorthConfig
from frame.tools import tool

@tool
def look(key):
    return library.look(key)

class Here:
    def execute(self, command):
        return subprocess.run(command, shell=True)

def main():
    Agent(NorthConfig(), [look], Here()).run("look it up")
"""
CLIENT = """
class {0}Config:
    def create(self):
        return {0}Client()

class {0}Client:
    def query(self, messages):
        return self.sdk.chat.completions.create(messages=messages)
"""
AGENT = """
import subprocess

class Agent:
    def __init__(self, config, tools, shell):
        self.client = config.create()
        self.tools, self.shell = tools, shell

    def run(self, task):
        messages = [task]
        for _ in range(9):
            reply = self.client.query(messages)
            try:
                messages.append(self.find_limit(reply))
            except LookupError:
                messages.append("there is none")

    def find_limit(self, reply):
        return self.settings(reply)

    def settings(self, reply):
        raise LookupError("nothing of that sort is set in this place")

    def call_tool(self, call):
        try:
            return self.tools[call.name](**call.arguments)
        except Exception as error:
            return str(error)

class Spare:
    def other(self):
        try:
            return work()
        except LookupError:
            return 1
"""
SHELLS = """
import subprocess

class Cloud:
    def execute(self, command):
        return subprocess.run(["ssh", "cloud", command])

class Boat:
    def execute(self, command):
        return subprocess.run(["ssh", "boat", command])
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> HarnessModel:
    """A program of one file, and the framework below it."""
    folder = tmp_path_factory.mktemp("reach")
    frame = folder / "site" / "frame"
    frame.mkdir(parents=True)
    (folder / "program.py").write_text(PROGRAM)
    files = {"__init__": "", "agent": AGENT, "tools": "def tool(f):\n    return f\n", "shells": SHELLS}
    files |= {name.lower(): CLIENT.format(name) for name in ("East", "North", "South", "West")}
    for name, text in files.items():
        (frame / f"{name}.py").write_text(text)
    return read_harness([folder / "program.py", frame])


def anchors(model: HarnessModel, *steps: TraceStep, texts: TextPool | None = None) -> list[tuple[Anchor, ...]]:
    """The anchors of the steps of a run."""
    pool = texts or TextPool()
    recording = Recording(run=RunInfo(id="r"), steps=steps, texts=pool.texts)
    return [step.anchors for step in compile_run(recording, model).steps]


def step(number: int, kind: StepKind, name: str = "", **more: object) -> TraceStep:
    """The step of that number; one follows the other."""
    given = {"start_ns": number, "end_ns": number + 1, "source": Source(format="test"), **more}
    return TraceStep.model_validate({"id": f"s{number}", "parent": None, "kind": kind, "name": name, **given})


def names(found: tuple[Anchor, ...]) -> list[str]:
    """Where anchors are."""
    return [anchor.qualname for anchor in found]


def test_what_an_object_is_made_of_can_run_and_the_nearest_comes_first(model: HarnessModel) -> None:
    reach = Reach(model)
    by_name = {e.anchor.qualname: e for e in model.of_role(ElementRole.FUNCTION)}
    assert reach.distance(by_name["main"]) == 0
    assert reach.distance(by_name["Agent.settings"]) == 1  # a method of a class that is made
    assert reach.distance(by_name["NorthClient.query"]) == 2
    assert reach.distance(by_name["WestClient.query"]) is None
    asking = [e.anchor.qualname for e in reach.nearest(model.of_role(ElementRole.MODEL_CALL))]
    assert asking == ["NorthClient.query"]
    west = [by_name["WestClient.query"]]
    assert reach.nearest(west) == west  # better than none


def test_a_model_call_leads_to_the_client_that_the_program_reaches(model: HarnessModel) -> None:
    (found,) = anchors(model, step(1, StepKind.MODEL_CALL))
    assert names(found) == ["NorthClient.query"]
    assert found[0].evidence is Evidence.HEURISTIC
    assert "reached from one's own code" in found[0].reason


def test_of_tools_of_one_name_those_of_classes_that_are_made_are_meant(model: HarnessModel) -> None:
    (found,) = anchors(model, step(1, StepKind.TOOL_CALL, "execute"))
    assert found[0].qualname == "Here.execute"


def test_a_caught_exception_leads_up_the_calls_from_where_it_was_raised(model: HarnessModel) -> None:
    texts = TextPool()
    message = "nothing of that sort is set in this place"
    raised = step(1, StepKind.ERROR, "raise LookupError", error=ErrorInfo(type="LookupError", message=message))
    caught = step(2, StepKind.ERROR, "except LookupError", output=(Part(role="error", text=texts.put(message)),))
    first, second = anchors(model, raised, caught, texts=texts)
    assert "Agent.settings" in names(first)
    ways = [anchor for anchor in second if "on the way" in anchor.reason]
    assert names(tuple(ways)) == ["Agent.run"]  # and not the clause of `Spare`, which takes the same type


def test_an_exception_of_a_tool_leads_to_the_tool_and_to_what_catches_around_tools(model: HarnessModel) -> None:
    texts = TextPool()
    call = step(1, StepKind.TOOL_CALL, "look")
    error = ErrorInfo(type="OddError", message="the library is closed")
    raised = step(2, StepKind.ERROR, "raise OddError", parent="s1", error=error)
    caught = step(3, StepKind.ERROR, "except OddError", output=(Part(role="error", text=texts.put(error.message)),))
    again = step(4, StepKind.ERROR, "raise OddError", error=error)
    _, first, second, third = anchors(model, call, raised, caught, again, texts=texts)
    assert names(first)[:1] == ["look"]
    assert "Agent.call_tool" in names(second)
    assert names(third)[:1] == ["look"]
    assert third[0].reason == "raised again after s2"


def test_of_many_the_farthest_go_together(model: HarnessModel) -> None:
    reach = Reach(model)
    by_name = {e.anchor.qualname: e for e in model.of_role(ElementRole.FUNCTION)}
    some = [by_name[name] for name in ("main", "look", "Agent.run", "Agent.settings", "NorthClient.query")]
    assert [e.anchor.qualname for e in reach.few(some, 5)] == [e.anchor.qualname for e in some]
    assert len(reach.few(some, 4)) == 4
    assert [e.anchor.qualname for e in reach.few(some, 3)] == ["main", "look"]
    assert reach.few(some[:2], 1) == []  # both are as near


TWICE = """
class Client:
    def {0}(self, messages):
        return self.sdk.chat.completions.create(messages=messages)
    async def a{0}(self, messages):
        return await self.sdk.chat.completions.create(messages=messages)
"""


@pytest.mark.parametrize("main", ["def main():\n    ", "async def main():\n    await "])
def test_of_methods_that_a_class_has_twice_those_of_the_program_s_own_sort_are_meant(tmp_path: Path, main: str) -> None:
    asking = ("invoke", "stream", "generate", "batch", "complete")
    methods = "".join(TWICE.format(name).replace("\nclass Client:\n", "") for name in asking)
    files = {
        "mine/program.py": f"from frame.client import Client\n\n{main}Client().run('look it up')\n",
        "frame/__init__.py": "",
        "frame/client.py": f"class Client:\n    def run(self, task):\n        return self.loop(task)\n{methods}",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    model = read_harness([tmp_path / "mine", tmp_path / "frame"])
    assert sum(1 for _ in model.of_role(ElementRole.MODEL_CALL)) == 10
    (found,) = anchors(model, step(1, StepKind.MODEL_CALL))
    own = "a" if main.startswith("async") else ""
    assert names(found) == [f"Client.{own}{name}" for name in asking]

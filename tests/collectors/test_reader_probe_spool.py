"""The reader of recordings: several processes, several agents, and documents that someone has tampered with."""

import copy
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harnessfix_collectors.probe.expand import Expander
from harnessfix_collectors.readers import read_bytes
from harnessfix_collectors.record import record
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording
from harnessfix_ir.source import read_harness

Play = Callable[..., Any]

AGENT = """
import json, subprocess, sys

class Model:
    def __init__(self, replies):
        self.replies = replies

    def complete(self, messages, temperature=0.5):
        content = self.replies.pop(0)
        return {"choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": "length"}],
                "usage": {"prompt_tokens": len(messages), "completion_tokens": 2}}

def parse_action(text):
    return json.loads(text)

def run_command(command):
    seconds = 0.2 if command.startswith("sleep") else 300
    return subprocess.run(command, shell=True, capture_output=True, text=True, timeout=seconds).stdout

TOOLS = {"run_command": run_command}

class Agent:
    def __init__(self, model):
        self.model = model
        self.messages = []

    def run(self, task):
        self.messages.append({"role": "user", "content": task})
        for step in range(10):
            reply = self.model.complete(self.messages)["choices"][0]["message"]["content"]
            self.messages.append({"role": "assistant", "content": reply})
            try:
                action = parse_action(reply)
                output = TOOLS[action["tool"]](action["command"])
            except (ValueError, KeyError, subprocess.TimeoutExpired) as error:
                output = f"error: {error}"
            if output.startswith("done"):
                return output
            self.messages.append({"role": "user", "content": output[:300]})

def main():
    commands = ("yes | head -400", "sleep 3; echo", "echo done")
    calls = [json.dumps({"tool": "run_command", "command": command}) for command in commands]
    print(Agent(Model(["{oops", *calls])).run("first task, which is long enough to be a text of its own: " + "y" * 80))
    print(Agent(Model([calls[2]])).run("second task"))

main()
"""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A recording of two agents."""
    folder = tmp_path_factory.mktemp("agent")
    (folder / "agent.py").write_text(AGENT)
    result = record(
        [sys.executable, "agent.py"], model=read_harness([folder]), spool_root=folder / "spool", cwd=folder, quiet=True
    )
    assert result.exit_code == 0
    return result.data


def read(data: bytes) -> list[Recording]:
    return list(read_bytes(data, "recording"))


def test_one_run_for_each_agent(document: bytes) -> None:
    first, second = read(document)
    assert (first.run.task[:10], second.run.task) == ("first task", "second task")
    assert first.run.id.removesuffix("-1") == second.run.id.removesuffix("-2")
    assert [step.kind for step in second.steps] == ["task", "model_call", "parse", "tool_call"]
    assert (first.run.outcome, first.run.exit_code) == ("unknown", 0)
    files = first.run.attributes["files"]
    assert isinstance(files, dict)
    assert list(files) == ["agent.py"]


def test_everything_of_a_turn_is_there_once(document: bytes) -> None:
    first, _ = read(document)
    assert [f"{step.kind}:{step.name}:{step.status}" for step in first.steps] == [
        "task:Agent.run:ok",
        "model_call:Model.complete:ok",
        "parse:parse_action:error",
        "error:raise JSONDecodeError:error",
        "error:except JSONDecodeError:ok",
        "model_call:Model.complete:ok",
        "parse:parse_action:ok",
        "tool_call:run_command:ok",
        "model_call:Model.complete:ok",
        "parse:parse_action:ok",
        "tool_call:run_command:error",
        "error:raise TimeoutExpired:error",
        "error:except TimeoutExpired:ok",
        "model_call:Model.complete:ok",
        "parse:parse_action:ok",
        "tool_call:run_command:ok",
    ]
    task, model = first.steps[0], first.steps[5]
    assert [event.attributes["n"] for event in task.events if event.name == "iteration"] == [1, 2, 3, 4]
    (cut,) = [event for event in task.events if event.name == "cut"]
    assert (cut.attributes["before"], cut.attributes["after"]) == (800, 300)
    assert [(part.role, part.kind) for part in model.input] == [
        ("user", "text"),
        ("assistant", "text"),
        ("user", "text"),
    ]
    assert first.texts[model.input[0].text].startswith("first task")
    assert (model.finish_reason, model.usage and model.usage.input_tokens) == ("length", 3)
    assert model.attributes["arguments"] == {"temperature": 0.5}
    assert first.texts[model.output[0].text].startswith('{"tool"')
    tool = first.steps[7]
    assert first.texts[tool.input[0].text] == "yes | head -400"
    assert len(first.texts[tool.output[0].text]) == 800
    assert [(effect.detail, effect.resource) for effect in tool.effects] == [("spawn", "yes | head -400")]
    assert all(step.anchors[0].path == "agent.py" for step in first.steps)
    assert first.incomplete == ()


def test_a_cut_file_is_read_as_far_as_it_goes(document: bytes) -> None:
    lines = document.splitlines(keepends=True)
    for end in range(len(lines[0]) + 100, len(document), max(1, len(document) // 40)):
        runs = read(document[:end])
        assert "the recorder was ended before it could say how the program ended" in runs[0].incomplete
        assert runs[0].run.exit_code is None
    last = read(b"".join(lines[: len(lines) // 2]))[0]
    assert any(step.status == "unfinished" and step.missing for step in last.steps)


def test_processes_are_merged_by_time(document: bytes) -> None:
    lines = document.splitlines(keepends=True)
    body = [json.loads(line) for line in lines[1:-1]]
    starts = [line["id"] for line in body if line["t"] == "start"]
    other = [
        {"t": "run", "time": body[0]["time"] + 1},
        {"t": "start", "id": "other", "up": starts[0], "e": 0, "args": {}, "time": body[3]["time"]},
    ]
    moved = [json.dumps(line).encode() + b"\n" for line in other]
    first = read(b"".join([lines[0], *moved, *lines[1:]]))[0]
    assert next(step.source.span_ids for step in first.steps) == (starts[0],)
    assert ("other",) in [step.source.span_ids for step in first.steps]


def test_nothing_to_read_is_one_error(document: bytes) -> None:
    with pytest.raises(BadInputError, match="not a recording's header"):
        list(read_bytes(b'{"t": "run"}\n', "x", "harnessfix-probe"))
    with pytest.raises(BadInputError, match="newer"):
        read(document.replace(b"harnessfix.probe/2", b"harnessfix.probe/9"))


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(1 << 70),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.sampled_from(["$", "$list", "exc", "type", "id", "cmd"]), st.text(max_size=3), max_size=2),
    st.builds(lambda: {"$list": "a", "more": True}),
    st.recursive(st.just({}), lambda inner: st.fixed_dictionaries({"cause": inner}), max_leaves=3),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False), st.lists(VALUES, min_size=1, max_size=8))
def test_tampered_documents_are_read_or_refused(document: bytes, chance: random.Random, values: list[Any]) -> None:
    lines = [json.loads(line) for line in document.splitlines()]
    for value in values:
        line = chance.choice(lines[chance.choice([0, 1]) :])
        _tamper(line, copy.deepcopy(value), chance)
    if chance.random() < 0.3:
        chance.shuffle(lines)
    data = b"\n".join(json.dumps(line).encode() for line in lines)
    try:
        runs = list(read_bytes(data, "recording", "harnessfix-probe"))
    except BadInputError:
        return
    for run in runs:
        assert {part.text for step in run.steps for part in (*step.input, *step.output)} <= set(run.texts)
        places = {step.id: place for place, step in enumerate(run.steps)}
        assert all(step.parent is None or places[step.parent] < places[step.id] for step in run.steps)


def _tamper(line: Any, value: Any, chance: random.Random) -> None:
    """Put a value anywhere into a line."""
    while isinstance(line, dict | list) and line:
        key = chance.choice(list(line)) if isinstance(line, dict) else chance.randrange(len(line))
        inner = line[key]
        if not isinstance(inner, dict | list) or not inner or chance.random() < 0.4:
            line[key] = value
            return
        line = inner


def test_chained_lists_are_no_bomb() -> None:
    lines: list[dict[str, Any]] = [{"t": "recording", "schema": "harnessfix.probe/2", "plan": {"elements": {}}}]
    for n in range(20_000):
        up = {"up": {"$list": f"l{n - 1}"}} if n else {}
        lines.append({"t": "list", "d": f"l{n}", "items": [0], **up})
    lines.append({"t": "start", "id": "s", "args": {f"a{n}": {"$list": f"l{n}"} for n in range(0, 20_000, 2)}})
    data = b"\n".join(json.dumps(line).encode() for line in lines)
    (run,) = list(read_bytes(data, "recording", "harnessfix-probe"))
    assert "lists were too long to be read" in run.steps[0].missing


def test_a_run_ends_as_its_program(play: Play, tmp_path: Path) -> None:
    program = "import sys\ndef tool():\n    return 1\ntool()\nsys.exit(int(sys.argv[1]))\n"
    for code, outcome in ((0, "passed"), (9, "failed")):
        (run,) = play(sys.executable, program, "agent.py", str(code), both=False).runs
        assert (run.run.outcome, run.run.outcome_by, run.run.exit_code) == (outcome, "exit", code)


def test_objects_that_refer_to_each_other_stay_small() -> None:
    values = {f"v{n}": [{"$value": f"v{n + 1}"}] * 10 for n in range(30)} | {"loop": [{"$value": "loop"}]}
    expander = Expander({}, {}, values)
    expander.expand({"$value": "v0"})
    assert "a value was too large to be read" in expander.take_lacking()
    assert expander.expand({"$value": "loop"}) == [None]

"""Replies of functions that are given again: plain data and what holds nothing else; nothing is run to make one."""

import json
import sys
import types
from collections import namedtuple
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from _harnessfix_probe.again import make, tuples_in
from _harnessfix_probe.redact import Redactor
from _harnessfix_probe.spool import Spool
from _harnessfix_probe.values import Encoder

from harnessfix_collectors.probe.expand import Expander
from harnessfix_collectors.probe.lines import read_lines
from harnessfix_collectors.probe.replies import replies_of
from harnessfix_collectors.record import record
from harnessfix_ir.source import read_harness

MADE: list[str] = []


class Usage(NamedTuple):
    tokens: int
    cost: float


@dataclass
class Reply:
    text: str
    calls: list[dict[str, Any]] = field(default_factory=list)
    usage: Usage | None = None

    def __post_init__(self) -> None:
        MADE.append(self.text)


@dataclass(slots=True)
class Slotted:
    text: str


class Plain:
    def __init__(self, text: str) -> None:
        MADE.append(text)
        self.text = text


class Private:
    def __init__(self) -> None:
        self._text = "x"


class Text(str):
    pass


Loose = namedtuple("Loose", "a b")
HELD = [
    "text",
    "long " * 100,
    None,
    True,
    -3,
    0.25,
    {"a": [1, {"b": None}], "c": ()},
    ("text", {"cost": (1, 2)}),
    [[], {}, [()]],
    Usage(3, 0.5),
    Loose((1,), "b"),
    Reply("hello", [{"name": "f", "arguments": (1,)}], Usage(1, 0.0)),
    Slotted("hello"),
    Plain("hello"),
]
OTHER = [
    {1: "a"},
    {"$type": "os.system"},
    {1, 2},
    b"bytes",
    Text("text"),
    float("nan"),
    Path("x"),
    object(),
    ValueError("x"),
    Private(),
    Reply,
    len,
    types.SimpleNamespace(a=1),
    "key sk-proj-abcdefghijklmnopqrstuvwxyz0123456789",
    [[[[[[[[1]]]]]]]],
]


def again(value: Any, folder: Path) -> Any:
    """A value written to a recording and made again, None when it is not kept."""
    folder.mkdir(exist_ok=True)
    spool = Spool(str(folder), Redactor())
    tuples = tuples_in(value, spool.scrub)
    told = Encoder(spool).encode(value)
    spool.close()
    document = read_lines(b"".join(path.read_bytes() for path in folder.glob("*.jsonl")), "x")
    expanded = Expander(document.texts, document.lists, document.values).expand(json.loads(told))
    return None if tuples is None else (make(expanded, json.loads(json.dumps(tuples))),)


@pytest.mark.parametrize("value", HELD, ids=lambda value: type(value).__name__)
def test_plain_data_is_the_same_again(value: Any, tmp_path: Path) -> None:
    before = len(MADE)
    made = again(value, tmp_path / "spool")
    assert made is not None
    (found,) = made
    assert type(found) is type(value)
    assert repr(found) == repr(value) if not isinstance(value, Plain) else found.__dict__ == value.__dict__
    assert len(MADE) == before, "no code of a class is run"


@pytest.mark.parametrize("value", OTHER, ids=lambda value: type(value).__name__)
def test_anything_else_is_not_kept(value: Any, tmp_path: Path) -> None:
    assert again(value, tmp_path / "spool") is None


@pytest.mark.parametrize("name", ["os.nothing", "no_such_module.Reply", "builtins.dict", "subprocess.Popen.x", "x"])
def test_a_class_that_is_not_loaded_or_not_plain_is_refused(name: str) -> None:
    with pytest.raises(LookupError, match="is not loaded, or is another class now"):
        make({"$type": name, "text": "a"}, [])
    assert "no_such_module" not in sys.modules


AGENT = '''\
import sys


class Model:
    def __init__(self, replies):
        self.replies = list(replies)

    def complete(self, messages):
        print("asked", file=sys.stderr)
        return self.replies.pop(0)


def look(place):
    """Look at a place."""
    print("looked", file=sys.stderr)
    return "nothing in " + place


TOOLS = {"look": look}


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(4):
            text, call = self.model.complete(messages)
            messages.append({"role": "assistant", "content": text})
            if call is None:
                return text
            messages.append({"role": "user", "content": TOOLS[call["name"]](call["place"])})


if __name__ == "__main__":
    replies = [("I look.", {"name": "look", "place": "box"}), ("It is empty.", None)]
    print(Agent(Model(replies[: int(sys.argv[1])])).run("What is in the box?"))
'''


@pytest.mark.parametrize(("tools", "called"), [(False, ["looked"]), (True, [])])
def test_functions_are_not_called_when_their_replies_are_given(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], tools: bool, called: list[str]
) -> None:
    (tmp_path / "agent.py").write_text(AGENT)
    model = read_harness([tmp_path])
    command = [sys.executable, str(tmp_path / "agent.py")]
    first = record([*command, "2"], model=model, spool_root=tmp_path / "spool")
    assert capfd.readouterr().err.split() == ["asked", "looked", "asked"]
    found = replies_of(first.data, tools=tools)
    assert found.lost == {}
    assert len(found.given["agent.py:Model.complete"]) == 2
    second = record([*command, "0"], model=model, spool_root=tmp_path / "spool", replies=found.given)
    seen = capfd.readouterr()
    assert (second.exit_code, seen.out.strip()) == (0, "It is empty."), seen.err
    assert seen.err.split() == called
    short = {place: told[:1] for place, told in found.given.items()}
    third = record([*command, "0"], model=model, spool_root=tmp_path / "spool", replies=short)
    assert third.exit_code == 1
    assert "the recording holds no further reply of this function" in capfd.readouterr().err


def test_what_raised_or_is_more_than_data_is_named(tmp_path: Path) -> None:
    source = AGENT.replace("return self.replies.pop(0)", "return iter(self.replies.pop(0))")
    (tmp_path / "agent.py").write_text(source)
    model = read_harness([tmp_path])
    for count, reason in (("2", "what it returned is more than plain data"), ("0", "it raised IndexError")):
        done = record(
            [sys.executable, str(tmp_path / "agent.py"), count], model=model, spool_root=tmp_path / "spool", quiet=True
        )
        found = replies_of(done.data)
        assert found.given == {}
        assert found.lost == {"agent.py:Model.complete": reason}

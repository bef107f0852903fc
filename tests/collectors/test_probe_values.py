"""Values are told without running the program's code, within bounds, and without its secrets."""

import datetime
import enum
import json
import pathlib
import re
import sys
from collections import OrderedDict, defaultdict, namedtuple
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harnessfix_collectors.probe.expand import NOT_RECORDED, Expander
from harnessfix_collectors.probe.lines import read_lines

Play = Callable[..., Any]
Tell = Callable[[object], Any]


@pytest.fixture(scope="module")
def tell(tmp_path_factory: pytest.TempPathFactory) -> Tell:
    """What a value looks like after it was written and read."""
    from _harnessfix_probe.spool import Spool
    from _harnessfix_probe.values import Encoder

    folder = tmp_path_factory.mktemp("spool")

    def through(value: object) -> Any:
        spool = Spool(str(folder), None)
        line = json.loads(Encoder(spool).encode(value))
        spool.close()
        (file,) = folder.glob("*.jsonl")
        document = read_lines(file.read_bytes(), "spool")
        file.unlink()
        expander = Expander(document.texts, document.lists, document.values)
        return expander.expand(line)

    return through


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)


@given(JSON)
def test_plain_values_come_through_unchanged(tell: Tell, value: Any) -> None:
    assert tell([value, value]) == [value, value]


@pytest.mark.parametrize("key", ["$", "$list", "$value", "$plain", "$left_out", "$type", "more"])
def test_keys_that_are_signs_of_the_recording_are_the_programs_own(tell: Tell, key: str) -> None:
    for value in ({key: 1}, {key: True, "b": None}, {key: {key: "x" * 3000}}, [{key: None}] * 6):
        assert tell(value) == value
    expander = Expander({}, {})
    assert expander.expand({"more": True, "items": [1]}) == {"more": True, "items": [1]}
    assert expander.take_lacking() == ()


@given(st.lists(st.lists(st.text(max_size=3), min_size=1, max_size=4), max_size=12))
def test_growing_lists_are_shared_and_whole(tmp_path_factory: pytest.TempPathFactory, turns: list[list[str]]) -> None:
    from _harnessfix_probe.spool import Spool
    from _harnessfix_probe.values import Encoder

    folder = tmp_path_factory.mktemp("spool")
    spool = Spool(str(folder), None)
    encoder = Encoder(spool)
    history: list[str] = []
    states, lines = [], []
    for turn in turns:
        history += turn
        states.append(list(history))
        lines.append(json.loads(encoder.encode(history)))
        if len(turn) == 4:
            history = history[1:]
    spool.close()
    (file,) = folder.glob("*.jsonl")
    document = read_lines(file.read_bytes(), "spool")
    expander = Expander(document.texts, document.lists)
    assert [expander.expand(line) for line in lines] == states


Change = tuple[str, int, int]
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["add", "edit", "cut", "drop", "object", "copy"]), st.integers(0, 99), st.integers(1, 40)
    ),
    max_size=10,
)


@given(CHANGES)
def test_long_histories_come_through_however_they_are_changed(
    tmp_path_factory: pytest.TempPathFactory, changes: list[Change]
) -> None:
    from _harnessfix_probe.spool import Spool
    from _harnessfix_probe.values import Encoder

    folder = tmp_path_factory.mktemp("spool")
    spool = Spool(str(folder), None)
    encoder = Encoder(spool)
    history: list[Any] = [{"n": number} for number in range(20)]
    states, lines = [], []
    for what, place, count in changes:
        at = place % (len(history) + 1)
        if what == "add":
            history += [{"n": place, "m": number} for number in range(count)]
        elif what == "edit" and at < len(history):
            history[at] = {"edited": place}
        elif what == "cut":
            del history[at:]
        elif what == "drop":
            del history[:at]
        elif what == "object":
            history.insert(at, datetime.date(2026, 1, 1 + place % 28))
        else:
            history = [item if type(item) is not dict else dict(item) for item in history]
        states.append([str(item) if type(item) is datetime.date else item for item in history])
        lines.append(json.loads(encoder.encode({"messages": history, "more": [history]})))
    spool.close()
    (file,) = folder.glob("*.jsonl")
    document = read_lines(file.read_bytes(), "spool")
    expander = Expander(document.texts, document.lists, document.values)
    assert [expander.expand(line) for line in lines] == [{"messages": state, "more": [state]} for state in states]


def test_resent_history_costs_nothing_twice(tmp_path: Path) -> None:
    from _harnessfix_probe.spool import Spool
    from _harnessfix_probe.values import Encoder

    spool = Spool(str(tmp_path), None)
    encoder = Encoder(spool)
    messages: list[dict[str, str]] = []
    for turn in range(300):
        messages.append({"role": "user", "content": f"turn {turn} " + "x" * 200})
        encoder.encode(messages)
    (file,) = tmp_path.glob("*.jsonl")
    assert file.stat().st_size < 300 * 600


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


Pair = namedtuple("Pair", "left right")


@dataclass
class Plain:
    name: str
    inner: "Plain | None" = None
    _hidden: int = 1
    items: list[int] = field(default_factory=list)


@dataclass
class Reserved:
    _role: str
    _content: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._cache = 1


class Slotted:
    __slots__ = ("_private", "first", "unset")

    def __init__(self) -> None:
        self.first, self._private = 1, 2


class Text(str):
    def __str__(self) -> str:
        raise RuntimeError("no")


class Number(int):
    def __int__(self) -> int:
        raise RuntimeError("no")


class Hostile(dict[str, int]):
    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no")

    def items(self) -> Any:
        raise RuntimeError("no")


def _refuses(self: object, *more: object) -> Any:
    raise RuntimeError("no")


HERE = __name__
REFUSED = {"__dict__": property(_refuses), "__class__": property(_refuses), "__module__": __name__}
Lying = type("Lying", (), {**REFUSED, "__getattribute__": _refuses, "__repr__": _refuses, "__hash__": _refuses})


OTHERS: list[tuple[object, object]] = [
    (Colour.RED, "red"),
    (Level.HIGH, 3),
    (Text("text"), "text"),
    (Number(7), 7),
    (True, True),
    (b"bytes \xff", "bytes \ufffd"),
    (bytearray(b"array"), "array"),
    ((1, 2), [1, 2]),
    (Pair(1, "b"), {"$type": f"{HERE}.Pair", "left": 1, "right": "b"}),
    (Hostile(a=1), {"a": 1}),
    (defaultdict(list, {"k": [1]}), {"k": [1]}),
    (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    ({1: "a", None: "b", (2,): "c"}, {"1": "a", "None": "b", "builtins.tuple": "c"}),
    (
        Plain("p", Plain("q", items=[1])),
        {
            "$type": f"{HERE}.Plain",
            "name": "p",
            "inner": {"$type": f"{HERE}.Plain", "name": "q", "inner": None, "items": [1]},
            "items": [],
        },
    ),
    (Slotted(), {"$type": f"{HERE}.Slotted", "first": 1}),
    (Lying(), {"$type": f"{HERE}.Lying"}),
    (pathlib.PurePosixPath("/a/b"), "/a/b"),
    (datetime.date(2024, 1, 2), "2024-01-02"),
    (ValueError("v", 1), {"$type": "builtins.ValueError", "args": ["v", 1]}),
    (float("nan"), {"$type": "float", "value": "nan"}),
    (float("-inf"), {"$type": "float", "value": "-inf"}),
    (1 << 2000, {"$type": "int", "bits": 2001}),
    (len, {"$type": "builtin_function_or_method", "name": "len"}),
    (Plain, {"$type": "type", "name": f"{HERE}.Plain"}),
    (json, {"$type": "module", "name": "json"}),
    ("\ud800 lone", "\ud800 lone"),
    (object(), {"$type": "builtins.object"}),
    (re.compile("x"), "re.compile('x')"),
]


@pytest.mark.parametrize("place", range(len(OTHERS)))
def test_other_values(tell: Tell, place: int) -> None:
    value, told = OTHERS[place]
    assert tell(value) == told


def test_a_proxy_in_c_for_what_has_no_attributes_is_a_value(tell: Tell) -> None:
    wrapt = pytest.importorskip("wrapt")  # OpenInference keeps LangChain's runs in such a proxy for a dict
    assert tell([wrapt.ObjectProxy({"a": 1}), 2])[1] == 2


def test_what_contains_itself_ends(tell: Tell) -> None:
    around: list[Any] = [1]
    around.append(around)
    assert tell(around) == [1, {"$type": "builtins.list", "more": True}]
    plain = Plain("p")
    plain.inner = plain
    assert tell(plain)["inner"] == {"$type": f"{HERE}.Plain", "more": True}
    shared = ["x"]
    assert tell([shared, shared]) == [["x"], ["x"]]


def test_large_values_are_bounded_and_say_so(tmp_path: Path) -> None:
    from _harnessfix_probe.spool import Spool
    from _harnessfix_probe.values import Encoder

    spool = Spool(str(tmp_path), None)
    encoder = Encoder(spool)
    web = [Plain(str(n)) for n in range(60)]
    for node in web:
        node.items = web  # type: ignore[assignment]
    assert len(encoder.encode(web)) < 1_000_000
    assert len(encoder.encode([[list(range(100)) for _ in range(100)] for _ in range(100)])) < 2_000_000
    many = encoder.encode(list(range(6000)))
    document = read_lines(b"".join(file.read_bytes() for file in tmp_path.glob("*.jsonl")), "spool")
    expander = Expander(document.texts, document.lists)
    expander.expand(json.loads(many))
    assert expander.take_lacking() == ("1,000 items of a value were not recorded",)
    assert expander.take_lacking() == ()


def test_texts_are_not_kept_alive(tmp_path: Path) -> None:
    from _harnessfix_probe.spool import Spool

    spool = Spool(str(tmp_path), None)
    text = "long " * 100
    before = sys.getrefcount(text)
    assert spool.text(text) == spool.text("long " * 100)
    assert sys.getrefcount(text) == before


def test_what_a_recording_lacks_is_said() -> None:
    expander = Expander({"a": "text"}, {"l": ("gone", [1]), "loop": ("loop", [2])})
    assert expander.expand({"$": "b"}) == NOT_RECORDED
    assert expander.expand([{"$": "a"}, {"$list": "l"}]) == ["text", [1]]
    assert expander.take_lacking() == ("a text was not recorded", "a list was not recorded")
    assert expander.expand({"$list": "loop"}) in ([2], [2, 2])


SECRETS = """
import os

def tool(argument, **named):
    return f"key is {os.environ['SERVICE_API_KEY']} and again {os.environ['SERVICE_API_KEY']}"

def fails():
    raise ValueError("bad key " + os.environ["SERVICE_API_KEY"])

tool("Authorization: Bearer abcdefghijklmnopqrstuvwxyz0123", text="sk-" + "a" * 30, key={os.environ["DB_PASSWORD"]: 1})
tool("x" * 200 + " ghp_" + "b" * 36 + " AKIA" + "C" * 16, harmless="through 100000000 and " + os.environ["KEYBOARD"])
try:
    fails()
except ValueError:
    pass
"""
SECRET = {
    "SERVICE_API_KEY": "s3cr3t-value-42",
    "DB_PASSWORD": "hunter2hunter2",
    "MAX_TOKENS": "100000000",
    "KEYBOARD": "qwertyuiop",
}


def test_secrets_are_replaced_and_counted(play: Play) -> None:
    played = play(sys.executable, SECRETS, env=SECRET)
    played.assert_same()
    text = played.result.data.decode()
    for secret in ("s3cr3t-value-42", "hunter2hunter2", "sk-aaaa", "ghp_bbb", "AKIACCC", "abcdefghijklmnop"):
        assert secret not in text
    assert "through 100000000 and qwertyuiop" in text
    assert played.out_text(played.step("tool")) == "key is <redacted> and again <redacted>"
    (told,) = (line for line in played.runs[0].incomplete if "secrets" in line)
    assert int(told.split()[0]) >= 8


TOLD = """
import subprocess, sys

def tool(key):
    open("notes-" + key, "w").close()
    subprocess.run([sys.executable, "-c", "import sys; print(len(sys.argv[1]))", key])

print(sys.argv[1:])
tool(sys.argv[2])
"""


def test_secrets_of_commands_and_of_names_of_files_are_replaced_and_counted(play: Play) -> None:
    words = ("agent.py", "--key", "hunter2hunter2", "--other=sk-" + "a" * 30)
    played = play(sys.executable, TOLD, *words, env=SECRET)
    played.assert_same()
    assert "hunter2hunter2" in played.out
    text = played.result.data.decode()
    assert "hunter2" not in text
    assert "sk-aaa" not in text
    (run,) = played.runs
    assert run.run.command[1:] == ("agent.py", "--key", "<redacted>", "--other=<redacted>")
    assert [line for line in run.incomplete if "secrets" in line]
    kept = play(sys.executable, TOLD, *words, env=SECRET, redact=False)
    assert kept.runs[0].run.command[1:] == words


def test_secrets_stay_when_they_are_wanted(play: Play) -> None:
    played = play(sys.executable, SECRETS, env=SECRET, redact=False)
    assert "s3cr3t-value-42" in played.out_text(played.step("tool"))
    assert played.runs[0].incomplete == ()


def test_private_keys_and_endless_beginnings() -> None:
    from _harnessfix_probe.redact import MARK, Redactor

    redactor = Redactor({})
    key = "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----"
    assert redactor.scrub(f"a {key} b {key}") == f"a {MARK} b {MARK}"
    assert redactor.count == 2
    hostile = "-----BEGIN PRIVATE KEY-----" * 2000
    assert redactor.scrub(hostile) == hostile


LARGE = """
import sys

def tool(n):
    return "line of output\\n" * n

def odd():
    return "lone \\ud800 surrogate " * 20, {"\\udfff": b"\\xff" * 200}, "nul \\0 and \\x1b[31m", "\\u2028 line"

def hot(n):
    try:
        return int("x" if n % 2 else "1")
    except ValueError:
        return 0

def many():
    return sum(hot(n) for n in range(6000))

print(len(tool(700000)))
print(len(odd()))
print(many())
"""


def test_large_odd_and_hot(play: Play) -> None:
    played = play(sys.executable, LARGE)
    played.assert_same()
    (run,) = played.runs
    assert len(played.out_text(played.step("tool"))) == 700000 * 15
    assert "lone \ud800 surrogate" in played.out_text(played.step("odd"))
    assert len([step for step in run.steps if step.name == "hot"]) == 400
    assert "hot was called 6,000 times; the first 400 were recorded, the rest counted" in run.incomplete
    assert any(line.startswith("an exception was caught at agent.py:13 3,000 times") for line in run.incomplete)


def test_a_large_object_is_written_once(play: Play, python: str) -> None:
    program = """
        class Settings:
            def __init__(self):
                self.names = {f"setting {n}": {"value": n, "kind": "number"} for n in range(200)}

        def tool(settings):
            return settings.names

        settings = Settings()
        for _ in range(50):
            tool(settings)
        """
    played = play(python, program, include=("*tool",))
    assert len(played.result.data) < 60_000
    assert all('"setting 199"' in played.out_text(step) for step in played.steps)


def test_no_metaclass_is_asked_for_the_fields_of_a_class(tell: Tell) -> None:
    asked: list[str] = []

    class Meta(type):
        def __getattribute__(cls, name: str) -> object:
            asked.append(name)
            return super().__getattribute__(name)

    class Empty(metaclass=Meta):
        pass

    class Full(metaclass=Meta):
        def __init__(self) -> None:
            self.first = 1

    values = Empty(), Full()
    asked.clear()
    told = [tell(value) for value in values]
    assert not asked
    assert [set(each) for each in told] == [{"$type"}, {"$type", "first"}]


def test_a_data_class_all_of_whose_fields_are_private_tells_them(tell: Tell) -> None:
    told = tell(Reserved("user", ["go"]))
    assert {key: value for key, value in told.items() if key != "$type"} == {"role": "user", "content": ["go"]}

"""Rules of context where their examples do not reach: other forms, and cases they must leave alone."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harnessfix.rules.context.c104_lost_turn import LostTurn
from harnessfix.rules.context.c107_context_overflow import ContextOverflow
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.steps import Part, Source, TraceLink, TraceStep
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import LinkKind, Route, StepKind

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="recordings here run POSIX programs")

Run = Callable[[Mapping[str, str]], Any]

AGENT = """\
import json
import re
import time

BODY


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "system", "content": SYSTEM_PROMPT}, {"role": "user", "content": task}]
        for number in range(12):
            reply = self.model.query(messages)
            messages.append(reply)
            if reply["content"] == "done":
                return
            NEXT
"""
MAIN = """\
from agent import Agent
from model import Model, say

Agent(Model(*map(say, REPLIES))).run("TASK")
"""


def _files(body: str, then: str, replies: list[str], task: str = "Work.") -> dict[str, str]:
    inside = "\n".join(f"            {line}" if n else line for n, line in enumerate(then.splitlines()))
    agent = AGENT.replace("BODY", body).replace("NEXT", inside)
    return {"agent.py": agent, "main.py": MAIN.replace("REPLIES", repr([*replies, "done"])).replace("TASK", task)}


TOOL = (
    'SYSTEM_PROMPT = "Be brief."\n\n\ndef read(size):\n    """Read."""\n    return RETURN\n\n\nTOOLS = {"read": read}'
)
APPEND = 'messages.append({"role": "user", "content": TOOLS["read"](int(reply["content"]))})'


@pytest.mark.parametrize(
    ("returns", "sizes", "speaks"),
    [
        ("'x' * size", ["10", "50", "300000", "20"], True),
        ("'x' * size", ["9000", "8000", "12000", "9500"], False),  # all are long: that is how this tool is
        ("'x' * size", ["10", "50", "9000", "20"], False),  # stands out, and does no harm
        ("'x' * min(size, 25000) + f'[{size} characters, the rest was cut off]'", ["10", "50", "300000", "20"], False),
        ("'x' * min(size, 25000) + f'... {size - 25000} more characters omitted'", ["10", "50", "300000"], False),
    ],
)
def test_c101_far_above_its_neighbours_and_above_any_use(
    run_harness: Run, returns: str, sizes: list[str], speaks: bool
) -> None:
    found = run_harness(_files(TOOL.replace("RETURN", returns), APPEND, sizes)).said("C101")
    assert bool(found) is speaks
    assert all(diagnosis.anchors[0].qualname in ("Agent.run", "read") for diagnosis in found)


def test_c101_leaves_the_task_alone(run_harness: Run) -> None:
    files = _files(TOOL.replace("RETURN", "'ok'"), APPEND, ["1", "2", "3"], task="x" * 200_000)
    assert not run_harness(files).said("C101")


LOG = "'\\n'.join(f'step {n} is fine' for n in range(200)) + '\\nValueError: wrong colour'"


@pytest.mark.parametrize(
    ("returns", "then", "speaks"),
    [
        (f"{LOG}", APPEND.replace('(int(reply["content"]))', '(int(reply["content"]))[:900]'), True),
        (f"{LOG}", APPEND.replace('(int(reply["content"]))', '(int(reply["content"]))[-900:]'), False),
        (f"{LOG}", APPEND, False),
        ("'a word\\n' * 900", APPEND.replace('(int(reply["content"]))', '(int(reply["content"]))[:900]'), False),
        (f"({LOG})[:900] + ' [2300 characters omitted]'", APPEND, False),
    ],
)
def test_c102_only_where_what_was_cut_off_mattered(run_harness: Run, returns: str, then: str, speaks: bool) -> None:
    assert bool(run_harness(_files(TOOL.replace("RETURN", returns), then, ["1", "2"])).said("C102")) is speaks


@pytest.mark.parametrize(
    ("then", "speaks"),
    [
        ('messages.append({"role": "user", "content": "Go on."})', False),
        ('messages.pop()\nmessages.append({"role": "user", "content": "That was no number."})', True),
        ('messages[-1] = {"role": "assistant", "content": reply["content"].upper()}\n'
         'messages.append({"role": "user", "content": "Go on."})', False),
        ("messages.pop()", False),  # asked again with the same words: a retry
    ],
)  # fmt: skip
def test_c104_only_where_the_conversation_goes_on_without_the_turn(run_harness: Run, then: str, speaks: bool) -> None:
    files = _files('SYSTEM_PROMPT = "Be brief."', then, ["I think that it is four.", "It must be five."])
    assert bool(run_harness(files).said("C104")) is speaks


LONG = 'SYSTEM_PROMPT = "It is 0. " + "Be brief, be kind and be right. " * 80'


@pytest.mark.parametrize(
    ("then", "speaks"),
    [
        ('messages[0] = {"role": "system", "content": SYSTEM_PROMPT.replace("is 0", f"is {number}")}\n'
         'messages.append({"role": "user", "content": "Go on."})', True),
        ('messages.append({"role": "user", "content": f"It is {number}. Go on."})', False),
        ('del messages[2:4]\nmessages.append({"role": "user", "content": f"It is {number}. " + "word " * 300})', False),
    ],
)  # fmt: skip
def test_c105_a_clock_at_the_top_not_at_the_end(run_harness: Run, then: str, speaks: bool) -> None:
    files = _files(LONG, then, ["one reply", "two replies", "three replies", "four replies", "five replies"])
    assert bool(run_harness(files).said("C105")) is speaks


def test_c108_an_answer_given_several_times_is_no_repeated_context(run_harness: Run) -> None:
    body = 'SYSTEM_PROMPT = "Be brief."\nHINT = "Answer with a number. " * 40'
    files = _files(body, 'messages.append({"role": "user", "content": HINT})', ["a", "b", "c", "d", "e"])
    assert not run_harness(files).said("C108")


@pytest.mark.parametrize(
    ("body", "speaks"),
    [
        ('SYSTEM_PROMPT = "Write your answer as {thought} and then {answer}, please."', False),
        ('SYSTEM_PROMPT = "You work for {{ company }} and are always polite about it."', True),
        ('SYSTEM_TEMPLATE = "You are to work on {task} for {user}, be quick."\n'
         'SYSTEM_PROMPT = SYSTEM_TEMPLATE.format(task="the garden", user=None)', True),
        ('SYSTEM_TEMPLATE = "You are to work on {task} for {user}, be quick."\n'
         'SYSTEM_PROMPT = SYSTEM_TEMPLATE.format(task="the garden", user="Ann")', False),
    ],
)  # fmt: skip
def test_c110_what_was_meant_to_be_filled_in(run_harness: Run, body: str, speaks: bool) -> None:
    assert bool(run_harness(_files(body, "pass", [])).said("C110")) is speaks


@pytest.mark.parametrize(
    ("told", "speaks"),
    [
        ("Calling tools: [{'name': 'look', 'arguments': {'key': 'a'}}]", False),
        ("Calling look with another key", True),
        ("Calling tools: []", True),
    ],
)
def test_c104_a_call_that_is_told_in_a_form_of_its_own_is_no_lost_turn(told: str, speaks: bool) -> None:
    pool = TextPool()
    place = Anchor(path="agent.py", qualname="Agent.run", start_line=3, end_line=9, route=Route.PROBE)

    def asks(number: int, *parts: Part, output: tuple[Part, ...] = ()) -> TraceStep:
        source = Source(format="native")
        kind = StepKind.MODEL_CALL
        return TraceStep(
            id=f"s{number}", kind=kind, name="ask", input=parts, output=output, anchors=(place,), source=source
        )

    task = Part(role="user", text=pool.put("Find the value."))
    call = Part(role="assistant", kind="tool_call", name="look", text=pool.put('{"key": "a"}'))
    answer = Part(role="tool-call", text=pool.put(told)), Part(role="tool-response", text=pool.put("value of a"))
    never = TraceLink(source="s1", target="s2", kind=LinkKind.OMITTED, detail="never sent")
    steps = (asks(1, task, output=(call,)), asks(2, task, *answer))
    run = Htir(run=RunInfo(id="r"), steps=steps, links=(never,), texts=pool.texts)
    assert bool(list(LostTurn().check_run(run, HarnessModel(root="")))) is speaks


MEMORIES = """\
from agent import Memory, NoteMemory
from model import Model, say

memory = NoteMemory()
model = Model(*map(say, "abcd"))
for question in ("Which port has the crane?", "When is high water?", "May we berth?"):
    memory.put_many([question])
    LOOK
    model.query([{"role": "user", "content": question}])
"""
MEMORY_CLASSES = """\
class Memory:
    def put_many(self, notes):
        for note in notes:
            self.notes.append(note)

    def aget(self):
        raise NotImplementedError


class NoteMemory(Memory):
    def __init__(self):
        self.notes = []

    def aget(self):
        return self.notes[-2:]
"""


@pytest.mark.parametrize(("look", "speaks"), [("memory.aget()", False), ("pass", True)])
def test_c111_what_one_class_writes_another_of_its_family_may_read(run_harness: Run, look: str, speaks: bool) -> None:
    said = run_harness({"agent.py": MEMORY_CLASSES, "main.py": MEMORIES.replace("LOOK", look)}).said("C111")
    assert bool(said) is speaks


KEEPING = """\
class Agent:
    def __init__(self, model):
        self.model = model
        self.messages = []

    def query(self):
        reply = self.model.query(self.messages)
        KEEP
        return reply

    def run(self, task):
        self.messages.append({"role": "user", "content": task})
        for _ in range(5):
            reply = self.query()
            if not reply.get("tool_calls"):
                return reply["content"]
            for call in reply["tool_calls"]:
                self.messages.append({"role": "tool", "tool_call_id": call["id"], "content": "a file"})
"""


@pytest.mark.parametrize(("keep", "said"), [("pass", ["C104"]), ("self.messages.append(reply)", [])])
def test_a_turn_of_calls_alone_that_nobody_kept(run_harness: Run, keep: str, said: list[str]) -> None:
    main = (
        "from agent import Agent\nfrom model import Model, call, say\n\n"
        "print(Agent(Model(call('ls', {}, 'c1'), call('ls', {}, 'c2'), say('done'))).run('Look.'))\n"
    )
    harness = run_harness({"agent.py": KEEPING.replace("KEEP", keep), "main.py": main})
    assert [code for code in ("C104", "C112") for _ in harness.said(code)] == said


@pytest.mark.parametrize(
    ("code", "speaks"),
    [
        ("return text", True),
        ("return text[:limit]", False),
        ("if len(text) > limit:\n        text = text[:limit]\n    return text", False),
        ("return wrap(text, limit)", False),
        ("return limit", False),
    ],
)
def test_a_function_that_is_named_for_shortening_and_cuts_nothing(run_harness: Run, code: str, speaks: bool) -> None:
    harness = run_harness({"texts.py": f"def truncate(text, limit=100):\n    {code}\n"})
    assert bool(harness.said_of_source("C101")) is speaks


ROLED = """\
import subprocess


def shorten(text, limit=2000):
    if len(text) <= limit:
        return text
    SHORT


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(3):
            reply = self.model.query(messages)
            messages.append(reply)
            if reply["content"] == "done":
                raise SystemExit(1)
            done = subprocess.run(reply["content"], shell=True, capture_output=True, text=True, timeout=9)
            messages.append({"role": "tool-response", "content": "Output: " + shorten(done.stdout)})
"""


@pytest.mark.parametrize(
    ("short", "said"),
    [
        ("return text", {"C101"}),
        ("return text[:limit]", {"C102"}),
        ("return text[:limit] + f'[{len(text) - limit} characters left out]'", set()),
    ],
)
def test_what_a_harness_shows_under_a_role_of_its_own(run_harness: Run, short: str, said: set[str]) -> None:
    main = (
        "from agent import Agent\nfrom model import Model, say\n\n"
        "Agent(Model(say('echo a'), say('seq 1 20000'), say('done'))).run('Count.')\n"
    )
    harness = run_harness({"agent.py": ROLED.replace("SHORT", short), "main.py": main})
    assert {code for code in ("C101", "C102") if harness.said(code)} == said


REFUSED = """\
class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(8):
            try:
                reply = self.model.query(messages)
            except ValueError:
                SHORTEN
                continue
            messages.append(reply)
            if reply["content"] == "done":
                raise SystemExit(1)
            messages.append({"role": "user", "content": "lorem ipsum " * 300})


def truncate_history(messages, most=2):
    messages[:] = messages[:most]


class AnotherAgent:
    def run(self, model):
        while True:
            if model.query([])["content"] == "done":
                break
"""
SMALL = """\
from agent import Agent
from model import Model, say


class SmallModel(Model):
    def query(self, messages, tools=None):
        if sum(len(message["content"]) for message in messages) > 8000:
            raise ValueError("prompt is too long: 8001 tokens > 8000 maximum")
        return super().query(messages, tools)


Agent(SmallModel(*[say("next page")] * 4, say("done"))).run("Read the book.")
"""


@pytest.mark.parametrize(
    ("shorten", "place"),
    [("truncate_history(messages)", "truncate_history"), ("messages = messages[:1]", "Agent.run")],
)
def test_a_refused_history_is_the_doing_of_what_shortened_it(run_harness: Run, shorten: str, place: str) -> None:
    harness = run_harness({"agent.py": REFUSED.replace("SHORTEN", shorten), "main.py": SMALL})
    (found,) = harness.said("C107")
    assert found.anchors[0].qualname == place
    assert ("`truncate_history` shortened it then" in found.message) == (place == "truncate_history")
    assert "AnotherAgent.run" not in {each.qualname for each in found.anchors}, "that did not run"


def test_nothing_is_said_to_have_shortened_what_no_line_tells(run_harness: Run) -> None:
    code = REFUSED.replace("SHORTEN", "truncate_history(messages)")
    harness = run_harness({"agent.py": code, "main.py": SMALL})
    (run,) = harness.runs
    (found,) = ContextOverflow().check_run(run.model_copy(update={"reached": {}}), harness.model)
    assert found.anchors[0].qualname == "Agent.run"
    assert "shortened" not in found.message


@pytest.mark.parametrize("shorten", ["truncate_history(messages)", "messages = messages[:1]"])
def test_a_harness_that_is_ready_for_a_refusal(run_harness: Run, shorten: str) -> None:
    sound = REFUSED.replace("SHORTEN", shorten).replace("raise SystemExit(1)", "return")
    assert not run_harness({"agent.py": sound, "main.py": SMALL}).said("C107")


REFUSING = '''\
class BadRequestError(Exception):
    pass


class Model:
    """Takes results of calls that it made and no others."""

    def query(self, messages):
        made = {call["id"] for message in messages for call in message.get("tool_calls", ())}
        for message in messages:
            if message["role"] == "tool" and message["tool_call_id"] not in made:
                raise BadRequestError("Error code: 400 - {'error': {'message': 'SAID'}}")
        return {"role": "assistant", "content": "It is sunny."}


class Agent:
    def __init__(self, model, session):
        self.model, self.session = model, session

    def recent_history(self):
        return self.session[-2:]

    def run(self, task):
        return self.model.query([*self.recent_history(), {"role": "user", "content": task}])["content"]
'''
KEPT_BEFORE = """\
from agent import Agent, Model

call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
session = [
    {"role": "user", "content": "What is the weather?"},
    {"role": "assistant", "tool_calls": [call]},
    {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    {"role": "assistant", "content": "It is sunny."},
]
print(Agent(Model(), session).run("And tomorrow?"))
"""


@pytest.mark.parametrize(
    ("said", "speaks"),
    [
        ("No tool call found for function call output with call_id call_1.", True),
        ("messages with role tool must be a response to a preceding message with tool_calls", True),
        ("Invalid schema for function look: unknown type", False),
    ],
)
def test_a_result_whose_call_an_earlier_run_made(run_harness: Run, said: str, speaks: bool) -> None:
    harness = run_harness({"agent.py": REFUSING.replace("SAID", said), "main.py": KEPT_BEFORE})
    found = harness.said("C112")
    assert [one.anchors[0].qualname for one in found] == (["Agent.recent_history"] if speaks else [])
    assert not (found and harness.said("C121")), "C112 has said it"

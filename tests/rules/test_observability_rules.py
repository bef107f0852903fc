"""Rules of observability where their examples do not reach: other forms, and cases they must leave alone."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harnessfix.rules.observability.o103_untraced_gap import UntracedGap
from harnessfix.rules.observability.o104_error_not_marked import ErrorNotMarked
from harnessfix.rules.observability.o106_secret_in_trace import SecretInTrace
from harnessfix.rules.observability.o118_unexplained_failure import UnexplainedFailure
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.steps import ErrorInfo, Source, TraceStep
from harnessfix_ir.texts import digest
from harnessfix_ir.vocabulary import Outcome, Status, StepKind

from .conftest import Harness

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="recordings here run POSIX programs")

EMPTY = HarnessModel(root="/nowhere")
SECOND = 1_000_000_000

LOOP = """\
class Agent:
    def __init__(self, model):
        self.model = model

    def ask(self, messages):
        for attempt in range(3):
            try:
                return self.model.query(messages)
            except ConnectionError as error:
                HANDLE
        RAISE

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(3):
            reply = self.ask(messages)
            messages.append(reply)
            if reply["content"]:
                return reply["content"]
"""
DOWN = """\
from agent import Agent
from model import Model


class Down(Model):
    def query(self, messages, tools=None):
        raise ConnectionError("no route to the model")


try:
    print(Agent(Down()).run("Say hello."))
except RuntimeError as error:
    print(error)
"""


def _said(run: Callable[[Mapping[str, str]], object], code: str, agent: str, main: str = DOWN) -> list[Diagnosis]:
    harness = run({"agent.py": agent, "main.py": main})
    return harness.said(code)  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(
    ("handle", "last", "speaks"),
    [
        ("print(attempt)", 'raise RuntimeError("all attempts failed")', True),
        ("last = error", 'raise RuntimeError("all attempts failed") from last', False),
        ("last = error", 'raise RuntimeError(f"all attempts failed: {last}")', False),
        ('raise RuntimeError("failed") from None', 'return {"content": ""}', True),
        ('raise RuntimeError("failed") from error', 'return {"content": ""}', False),
    ],
)
def test_masked_cause_of_errors_raised_anew(
    run_harness: Callable[[Mapping[str, str]], object], handle: str, last: str, speaks: bool
) -> None:
    found = _said(run_harness, "O102", LOOP.replace("HANDLE", handle).replace("RAISE", last))
    assert bool(found) is speaks
    if speaks:
        assert found[0].parameters["form"] == "raise"
        assert found[0].anchors[0].qualname == "Agent.ask"
        assert "ConnectionError" in found[0].message


ASSERTED = """\
class Agent:
    def __init__(self, model):
        self.model, self.reply, self.failure = model, None, None

    def ask(self, messages):
        try:
            self.reply = self.model.query(messages)
        except Exception as error:
            self.failure = error
            raise

    def answer(self):
        assert self.reply is not None, SAID
        return self.reply["content"]
"""
ASKED_ON = """\
from agent import Agent
from model import Model


class Down(Model):
    def query(self, messages, tools=None):
        raise ConnectionError("no route to the model")


agent = Agent(Down())
try:
    agent.ask([{"role": "user", "content": "Say hello."}])
except ConnectionError:
    print("a user interface shows it, and goes on")
print(agent.answer())
"""


@pytest.mark.parametrize(
    ("said", "speaks"), [('"ask first"', True), ('f"no answer: {self.failure}"', False)], ids=["masks", "names"]
)
def test_an_assertion_that_an_earlier_failure_made_untrue(
    run_harness: Callable[[Mapping[str, str]], object], said: str, speaks: bool
) -> None:
    found = _said(run_harness, "O102", ASSERTED.replace("SAID", said), ASKED_ON)
    assert [(finding.anchors[0].qualname, finding.operator) for finding in found] == [("Agent.answer", None)] * speaks


HANDLER = """\
class Agent:
    def __init__(self, model):
        self.model = model

    def helper(self, messages):
        BODY

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(3):
            reply = self.model.query(messages)
            messages.append(reply)
            extra = self.helper(messages)
            if extra:
                messages.append({"role": "user", "content": str(extra)})
            if reply["content"] == "done":
                return reply["content"]
"""
FINE = """\
import contextlib

from agent import Agent
from model import Model, say

with contextlib.suppress(OSError):
    print(Agent(Model(say("a"), say("done"))).run("Work."))
"""
FULL = 'raise OSError("disk full")'


@pytest.mark.parametrize(
    ("tried", "clause", "does", "speaks"),
    [
        (FULL, "except Exception", "pass", True),
        (FULL, "except Exception", "return []", True),
        (FULL, "except OSError as error", 'return f"failed: {error}"', False),
        (FULL, "except Exception", 'return "The disk is full."', False),
        (FULL, "except Exception as error", "return print(error)", False),
        (FULL, "except Exception", "raise", False),
        ('return {}["a"]', "except Exception", "return None", False),
        ("return next(iter([]))", "except StopIteration", "return None", False),
        ("self.close()", "except Exception", "pass", False),
    ],
)
def test_swallowed_exception_leaves_expected_and_recorded_ones_alone(
    run_harness: Callable[[Mapping[str, str]], object], tried: str, clause: str, does: str, speaks: bool
) -> None:
    body = f"try:\n            {tried}\n        {clause}:\n            {does}"
    found = _said(run_harness, "O101", HANDLER.replace("BODY", body), FINE)
    assert bool(found) is speaks, [one.message for one in found]


# --- imported traces: no probe, steps made by hand ------------------------------------------------------------------


def _step(number: int, kind: StepKind = StepKind.TASK, parent: int | None = None, **more: object) -> TraceStep:
    fields: dict[str, object] = {
        "id": f"s{number}",
        "parent": None if parent is None else f"s{parent}",
        "kind": kind,
        "name": f"step {number}",
        "started_ns": number * SECOND,
        "ended_ns": (number + 1) * SECOND,
        "source": Source(format="otlp-json"),
        "anchors": (Anchor(path="agent.py", qualname="Agent.run", start_line=1, end_line=2),),
    }
    return TraceStep.model_validate(fields | more)


def _run(*steps: TraceStep, **info: object) -> Htir:
    return Htir(run=RunInfo.model_validate({"id": "r1", **info}), steps=steps, texts={digest(""): ""})


def test_a_span_that_is_ok_between_failed_ones_is_not_marked() -> None:
    error = ErrorInfo(type="httpx.ReadTimeout", message="timed out")
    run = _run(
        _step(1, status=Status.ERROR, error=error),
        _step(2, parent=1),
        _step(3, StepKind.MODEL_CALL, parent=2, status=Status.ERROR, error=error),
    )
    found = list(ErrorNotMarked().check_run(run, EMPTY))
    assert [finding.responsible_step for finding in found] == ["s2"]


def test_a_span_that_contained_the_error_of_its_child_is_left_alone() -> None:
    error = ErrorInfo(type="httpx.ReadTimeout", message="timed out")
    run = _run(
        _step(1),
        _step(2, parent=1),
        _step(3, StepKind.MODEL_CALL, parent=2, status=Status.ERROR, error=error),
        _step(4, StepKind.MODEL_CALL, parent=2),
    )
    assert not list(ErrorNotMarked().check_run(run, EMPTY))


def test_a_key_in_an_attribute_is_found_and_not_shown() -> None:
    secret = "sk-" + "a1B2c3D4" * 5
    run = _run(_step(1, attributes={"http": {"request": {"headers": [f"Bearer {secret}"]}}}))
    (finding,) = SecretInTrace().check_run(run, EMPTY)
    assert "http.request.headers" in finding.message
    assert secret not in finding.message
    assert not any(secret in text for _, text in finding.quotes)


def test_ordinary_attributes_hold_no_key() -> None:
    run = _run(_step(1, attributes={"model": "sk-learn", "digest": "a" * 64, "note": "Bearer tokens are used"}))
    assert not list(SecretInTrace().check_run(run, EMPTY))


@pytest.mark.parametrize(("pause", "speaks"), [(100, True), (5, False)])
def test_a_long_stretch_without_any_step(pause: int, speaks: bool) -> None:
    first = _step(2, StepKind.MODEL_CALL, parent=1)
    second = _step(3, StepKind.MODEL_CALL, parent=1, started_ns=(3 + pause) * SECOND, ended_ns=(4 + pause) * SECOND)
    run = _run(_step(1), first, second, started_ns=SECOND, ended_ns=(40 + pause) * SECOND)
    found = list(UntracedGap().check_run(run, EMPTY))
    assert bool(found) is speaks


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("pass", ["cached"]),
        ("self.cached += other.cached", []),
        ("self.cached = self.cached + other.cached", []),
        ("self.cached = max(self.cached, other.cached)", []),
        ("self.more(other)", []),
    ],
)
def test_a_sum_of_two_records_that_leaves_a_count_out(
    run_harness: Callable[[Mapping[str, str]], Any], line: str, left: list[str]
) -> None:
    source = (
        "class Usage:\n    sent: int = 0\n    received: int = 0\n    cached: int = 0\n    model: str = ''\n\n"
        "    def add(self, other):\n        self.sent += other.sent\n        self.received += other.received or 0\n"
        f"        {line}\n"
    )
    found = run_harness({"usage.py": source}).said_of_source("O107")
    assert [each.parameters["field"] for each in found] == left


SHARED = """\
TABLE = {}


def register(name):
    for _ in range(2):
        try:
            TABLE[name] = name
        except KeyError:
            raise
    return name


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        def inner():
            return self.model.query([{"role": "user", "content": task}])["content"]

        for _ in range(1):
            try:
                return inner()
            except ValueError:
                return ""


register("read")
"""
FAILS = """\
import sys

from agent import Agent
from model import Model, say

Agent(Model(say("5"))).run("add")
sys.exit(3)
"""


def test_where_to_look_leaves_out_what_only_imports_ran(run_harness: Callable[[Mapping[str, str]], Harness]) -> None:
    harness = run_harness({"agent.py": SHARED, "main.py": FAILS})
    found = harness.said("O118")
    assert found[0].anchors[0].qualname == "Agent.run"
    assert "register" not in {diagnosis.anchors[0].qualname for diagnosis in found}
    assert "Of the 6 functions" in found[0].message, "all but `register`"
    assert found[0].confidence > 0.5
    assert sum(diagnosis.confidence for diagnosis in found) < 1


ALIKE = """\
def first_ladle(items):
    for item in items:
        if item:
            return item
    return None


def second_helping(items):
    for item in items:
        if item:
            return item
    return None


class Kitchen:
    def __init__(self, helping="none"):
        self.helping = helping

    def run(self, model):
        return model.query([]), first_ladle([1]), second_helping([1])
"""


@pytest.mark.parametrize(("said", "first"), [("helping", "second_helping"), ("ladle", "first_ladle")])
def test_where_to_look_goes_by_what_the_program_speaks_of(
    run_harness: Callable[[Mapping[str, str]], Harness], said: str, first: str
) -> None:
    main = (
        f"from agent import Kitchen\nfrom model import Model, say\nkitchen = Kitchen()\nvars(kitchen).get('{said}')\n"
    )
    harness = run_harness({"agent.py": ALIKE, "main.py": f"{main}kitchen.run(Model(say('x')))\nraise SystemExit(2)\n"})
    found = [one for one in harness.said("O118") if "_" in one.anchors[0].qualname.strip("_")]
    assert found[0].anchors[0].qualname == first
    assert f"like the program it speaks of {said}" in found[0].message


DECIDES = """\
def serve(items, spice=None):
    for item in items:
        if item and {first}:
            return item
        if item and {second}:
            return item
    return None


class Kitchen:
    def run(self, model):
        reply = model.query([])["content"]
        return serve([1]), reply
"""
SEASONED = """\
from agent import Kitchen
from model import Model, say

kitchen = Kitchen()
vars(kitchen)["peppered"] = True
kitchen.run(Model(say("x")))
raise SystemExit(2)
"""


@pytest.mark.parametrize(
    ("first", "second", "spoken"),
    [("'peppered'", "item", True), ("items", "'peppered'", False), ("items", "item", False)],
)
def test_where_to_look_goes_by_names_in_lines_that_ran(
    run_harness: Callable[[Mapping[str, str]], Harness], first: str, second: str, spoken: bool
) -> None:
    harness = run_harness({"agent.py": DECIDES.format(first=first, second=second), "main.py": SEASONED})
    (run,) = harness.runs
    sure = []
    for program in (("peppered",), ()):
        speaking = run.model_copy(update={"run": run.run.model_copy(update={"program": program})})
        found = UnexplainedFailure().check_run(speaking, harness.model)
        serve = next(one for one in found if one.anchors[0].qualname == "serve")
        sure.append(serve.confidence)
        assert ("like the program it speaks of peppered" in serve.message) is (spoken and bool(program))
    assert (sure[0] > sure[1]) is spoken, "a name counts where its line ran"


WORDS_IT = """\
def first_ladle(name):
    if name:
        return f"There is no {name} left in the pot"
    return None


def second_helping(name):
    if name:
        return f"Nobody asked for {name} in the morning"
    return None


class Kitchen:
    def run(self, model):
        return model.query([]), first_ladle("soup"), second_helping("soup")
"""


@pytest.mark.parametrize(
    ("reply", "first"),
    [
        ("There is no soup left in the pot", "first_ladle"),
        ("Who said 'nobody asked for it in the morning'? Nobody asked for soup in the morning", "second_helping"),
    ],
)
def test_where_to_look_goes_by_who_worded_what_the_run_shows(
    run_harness: Callable[[Mapping[str, str]], Harness], reply: str, first: str
) -> None:
    main = f"from agent import Kitchen\nfrom model import Model, say\nKitchen().run(Model(say({reply!r})))\n"
    harness = run_harness({"agent.py": WORDS_IT, "main.py": f"{main}raise SystemExit(2)\n"})
    found = [one for one in harness.said("O118") if "_" in one.anchors[0].qualname]
    assert found[0].anchors[0].qualname == first
    assert "it worded what the run shows" in found[0].message
    assert all("it worded" not in one.message for one in found[1:])


def test_where_to_look_is_not_asked_where_nothing_failed_or_no_line_is_known(
    run_harness: Callable[[Mapping[str, str]], Harness],
) -> None:
    harness = run_harness({"agent.py": SHARED, "main.py": FAILS})
    (run,) = harness.runs
    rule = UnexplainedFailure()
    unknown = run.run.model_copy(update={"outcome": Outcome.UNKNOWN})
    assert list(rule.check_run(run.model_copy(update={"run": unknown}), harness.model)), "its program failed"
    for info in ({"outcome": Outcome.PASSED}, {"outcome": Outcome.UNKNOWN, "exit_code": 0}):
        other = run.model_copy(update={"run": run.run.model_copy(update=info)})
        assert not list(rule.check_run(other, harness.model))
    assert not list(rule.check_run(run.model_copy(update={"reached": {}}), harness.model))
    assert not list(rule.check_run(run, EMPTY))


BREAKS = """\
def seasoned(order):
    spices = [spice for spice in order["spices"] if spice]
    for spice in spices:
        if spice == "salt":
            return "salted"
    return "plain"


def weighed(order):
    return order["grams"]


class Kitchen:
    def __init__(self, model):
        self.model = model

    def run(self, order):
        messages = [{"role": "user", "content": "what is there?"}]
        for _ in range(3):
            reply = self.model.query(messages)["content"]
            messages.append({"role": "assistant", "content": reply})
            if not order:
                raise ValueError("nothing was ordered")
            if reply == "x":
                return seasoned(order), weighed(order)
        return None
"""


def _kitchen(order: str, *after: str) -> str:
    well = "Kitchen(Model(say('x'))).run({'spices': [], 'grams': 1})"
    lines = ("from agent import Kitchen", "from model import Model, say", well, f"order = {order}", "try:")
    return "\n".join([*lines, "    Kitchen(Model(say('x'))).run(order)", "except (KeyError, ValueError):", *after])


def test_where_to_look_goes_by_where_an_exception_arose(run_harness: Callable[[Mapping[str, str]], Harness]) -> None:
    order = "{'spices': ['salt'], 'seasoned': 1}"
    harness = run_harness({"agent.py": BREAKS, "main.py": _kitchen(order, "    raise SystemExit(2)")})
    found = [one for one in harness.said("O118") if one.run == harness.runs[-1].run.id]
    assert "weighed" in {one.anchors[0].qualname for one in found[:2]}, "though the program speaks of `seasoned`"
    assert found[0].anchors[0].qualname == "weighed", "Python itself complained of it"
    (broken,) = (one for one in found if one.anchors[0].qualname == "weighed")
    assert "an exception arose there that ended a step" in broken.message
    assert all("an exception arose" not in one.message for one in found if one is not broken)


AGENTS = """\
from desk import weighed


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, order):
        messages = [{"role": "user", "content": "weigh it"}]
        for _ in range(3):
            messages.append({"role": "assistant", "content": self.model.query(messages)["content"]})
            messages.append({"role": "user", "content": told(order)})
        return messages[-1]["content"]


def told(order):
    try:
        return f"It weighs {weighed(order)}."
    except CLAUSE as error:
        return f"It could not be weighed: {error}"
"""
DESK = "def weighed(order):\n    grams = order['grams']\n    return grams / 1000\n"
ASKED = """\
from agent import Agent
from model import Model, say

said = Agent(Model(say("Go on."), say("Go on."), say("Go on."))).run({})
raise SystemExit("could not" in said)
"""


@pytest.mark.parametrize(
    ("clause", "desk", "slips"),
    [
        ("Exception", "desk.py", True),
        ("KeyError", "desk.py", False),  # it was expected
        ("Exception", "agent.py", False),  # the same file: it may be how code that is not its own is run
    ],
)
def test_a_complaint_of_python_that_nobody_expected_says_where_to_look(
    run_harness: Callable[[Mapping[str, str]], Harness], clause: str, desk: str, slips: bool
) -> None:
    agent = AGENTS.replace("CLAUSE", clause)
    files = {"agent.py": agent, "desk.py": DESK, "main.py": ASKED}
    if desk == "agent.py":
        files = {"agent.py": DESK + agent.replace("from desk import weighed\n", ""), "main.py": ASKED}
    found = run_harness(files).said("O118")
    assert found
    assert [one.anchors[0].qualname for one in found if "far from it" in one.message] == ["weighed"] * slips
    assert (found[0].anchors[0].qualname == "weighed") is slips


KEPT = """\
class Order:
    def __init__(self, what, grams):
        self.what, self.grams = what, grams

    def to_dict(self):
        return {"what": self.what}

    @classmethod
    def from_dict(cls, data):
        return cls(data["what"], data["grams"])


class Agent:
    def __init__(self, model):
        self.model, self.order = model, Order("salt", 3)

    def run(self, task):
        reply = self.model.query([{"role": "user", "content": task}])["content"]
        for word in reply.split():
            if word == "again":
                return Order.from_dict(self.order.to_dict())
        return self.order
"""
RESTORED = """\
from agent import Agent
from model import Model, say

Agent(Model(say("once again"))).run("Weigh it.")
"""


def test_what_wrote_down_for_a_function_that_broke_is_a_place_to_look_at(
    run_harness: Callable[[Mapping[str, str]], Harness],
) -> None:
    found = run_harness({"agent.py": KEPT, "main.py": RESTORED}).said("O118")
    told = {one.anchors[0].qualname: one.message for one in found}
    assert "an exception arose there that ended" in told["Order.from_dict"]
    assert "an exception arose in the function that reads what it writes" in told["Order.to_dict"]


def test_where_to_look_is_not_asked_where_the_harness_said_no_and_the_program_took_it(
    run_harness: Callable[[Mapping[str, str]], Harness],
) -> None:
    assert not run_harness({"agent.py": BREAKS, "main.py": _kitchen("{}", "    pass")}).said("O118")


@pytest.mark.parametrize(("order", "after"), [("{}", "    raise SystemExit(2)"), ("{'spices': []}", "    pass")])
def test_where_to_look_is_asked_where_the_program_failed_or_the_harness_broke(
    run_harness: Callable[[Mapping[str, str]], Harness], order: str, after: str
) -> None:
    assert run_harness({"agent.py": BREAKS, "main.py": _kitchen(order, after)}).said("O118")


HUSHED = """\
import json
import logging

logger = logging.getLogger(__name__)


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        reply = self.model.query([{"role": "user", "content": task}])
        self.save_answer(reply)
        return self.load_answer()

    def save_answer(self, reply):
        self.kept = ""
        try:
            self.kept = json.dumps({"answer": reply, "by": self})
        except Exception as error:
            CLAUSE

    def load_answer(self):
        return self.kept
"""


@pytest.mark.parametrize(
    ("clause", "hushed"),
    [
        ("logger.warning('not saved: %s', error)", True),
        ("log_error(error)", True),
        ("logger.debug('not saved: %s', error)", False),
        ("logger.warning('not saved: %s', error); self.kept = str(reply)", False),
    ],
)
def test_a_failure_that_only_a_log_tells_of(
    run_harness: Callable[[Mapping[str, str]], Harness], clause: str, hushed: bool
) -> None:
    agent = (
        HUSHED.replace("CLAUSE", clause.replace("; ", "\n            "))
        + "\n\ndef log_error(error):\n    print(error)\n"
    )
    main = "from agent import Agent\nfrom model import Model, say\n\nassert Agent(Model(say('4'))).run('Go.') == '4'\n"
    told = {one.anchors[0].qualname: one for one in run_harness({"agent.py": agent, "main.py": main}).said("O118")}
    assert ("only told a log" in told["Agent.save_answer"].message) is hushed


VALIDATED = """\
from typing import Any

from pydantic import BaseModel, model_validator


class Settings(BaseModel):
    model: Any

    @model_validator(mode="after")
    def check_model(self):
        if not hasattr(self.model, "ask"):
            raise ValueError(f"No model that can be asked: {type(self.model).__name__}")
        return self


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        settings = Settings(model=self.model)
        return settings.model.ask(task)
"""


def test_what_a_validation_error_repeats_arose_in_the_validator(
    run_harness: Callable[[Mapping[str, str]], Harness],
) -> None:
    main = "from agent import Agent\nfrom model import Model\n\nAgent(Model()).run('Go.')\n"
    told = run_harness({"agent.py": VALIDATED, "main.py": main}).said("O118")
    arose = {one.anchors[0].qualname for one in told if "an exception arose there" in one.message}
    assert arose == {"Settings.check_model"}


TRANSCRIPT = """\
class Transcript:
    def __init__(self, subscriber):
        self.subscriber = subscriber

    def event(self, told):
        self.subscriber(told)

    def read(self, place):
        return open(place).read()
"""
KEEPS = """\
from transcript import Transcript


class Agent:
    def __init__(self, model):
        self.model, self.transcript = model, Transcript(on_event)

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(3):
            reply = self.model.query(messages)
            messages.append(reply)
            for wanted in reply.get("tool_calls", ()):
                told = look(self.transcript)
                messages.append({"role": "tool", "tool_call_id": wanted["id"], "content": told})
            if not reply.get("tool_calls"):
                return reply["content"]
        return None


def on_event(told):
    return write_down(told)


def look(transcript):
    LOOK
    return "nothing"
"""
DOWN = "\n\ndef write_down(told):\n    raise OSError('the disk is full')\n"


@pytest.mark.parametrize(
    ("look", "down", "blamed"),
    [
        ("transcript.event('look')", "transcript_file.py", "Transcript.event"),
        ("transcript.event('look')", "agent.py", ""),  # a subscriber of the harness's own
        ("transcript.read('/none/such')", "transcript_file.py", ""),
    ],
)
def test_what_keeps_a_record_ends_no_run(
    run_harness: Callable[[Mapping[str, str]], Harness], look: str, down: str, blamed: str
) -> None:
    agent = KEEPS.replace("LOOK", look)
    files = {"transcript.py": TRANSCRIPT, "agent.py": agent + DOWN}
    if down != "agent.py":
        files |= {"agent.py": f"from transcript_file import write_down\n{agent}", down: DOWN.lstrip()}
    asked = "print(Agent(Model(call('look', {}), say('done'))).run('Look.'))"
    files["main.py"] = f"from agent import Agent\nfrom model import Model, call, say\n\n{asked}\n"
    harness = run_harness(files)
    found = harness.said("O109")
    assert [one.anchors[0].qualname for one in found] == [blamed] * bool(blamed)
    assert all("on behalf of" in one.message for one in found)


RECORDED = "class Recorder:\n    def start(self, told):\n        raise OSError('there is no microphone')\n"
SPLIT = "def split(told):\n    return told.split('|')[1]\n"


@pytest.mark.parametrize(
    ("path", "text", "use"),
    [
        ("recorder.py", RECORDED, "from recorder import Recorder\n    return Recorder().start(told)"),
        ("transcripts.py", SPLIT, "from transcripts import split\n    return split(told)"),
    ],
)
def test_work_that_stands_in_a_module_with_such_a_name_is_work(
    run_harness: Callable[[Mapping[str, str]], Harness], path: str, text: str, use: str
) -> None:
    agent = KEEPS.replace("LOOK", "on_event('x')").replace("return write_down(told)", use)
    asked = "print(Agent(Model(call('look', {}), say('done'))).run('Look.'))"
    main = f"from agent import Agent\nfrom model import Model, call, say\n\n{asked}\n"
    harness = run_harness({"transcript.py": TRANSCRIPT, path: text, "agent.py": agent, "main.py": main})
    assert not harness.said("O109")


REFUSED = """\
import json


class Refused(Exception):
    pass


class AgentError(Exception):
    pass


class Client:
    def __init__(self, model):
        self.model = model

    def complete(self, messages):
        reply = self.model.query(messages)
        READ


class Agent:
    def __init__(self, model):
        self.client = Client(model)

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(3):
            try:
                messages.append(self.client.complete(messages))
            except (Refused, ValueError) as error:
                raise AgentError(f"the request failed: {error}") from error
        return messages
"""


@pytest.mark.parametrize(
    ("read", "arose"),
    [
        ("return json.loads(reply['content'])", {"Client.complete"}),
        ("raise Refused(reply['content'])", {"Client.complete"}),
    ],
)
def test_an_exception_that_is_only_wrapped_did_not_arise_there(
    run_harness: Callable[[Mapping[str, str]], Harness], read: str, arose: set[str]
) -> None:
    main = "from agent import Agent\nfrom model import Model, say\n\nAgent(Model(say('no'))).run('Go.')\n"
    harness = run_harness({"agent.py": REFUSED.replace("READ", read), "main.py": main})
    told = {one.anchors[0].qualname for one in harness.said("O118") if "an exception arose there" in one.message}
    assert told == arose, "and not Agent.run, which wraps it"


SAVING = """\
import json


class Board:
    def __init__(self):
        self.notes = []

    def to_dict(self):
        return {"notes": self.notes}


class Config:
    def title(self):
        return "board"


class Files:
    config = Config()

    def NAME(self, board):
        data = board.to_dict()
        name = self.config.title()
        return self.write(name, data)

    def write(self, name, data):
        return name + json.dumps(data)


class Agent:
    def __init__(self, model):
        self.model, self.board, self.files = model, Board(), Files()

    def run(self, task):
        for _ in range(2):
            reply = self.model.query([{"role": "user", "content": task}])["content"]
            self.board.notes.append(reply.encode())
            if reply == "enough":
                break
        return self.files.NAME(self.board)
"""


def test_what_made_the_value_that_json_does_not_take_is_named(
    run_harness: Callable[[Mapping[str, str]], Harness],
) -> None:
    main = "from agent import Agent\nfrom model import Model, say\n\nAgent(Model(say('enough'))).run('Go.')\n"
    harness = run_harness({"agent.py": SAVING.replace("NAME", "keep"), "main.py": main})
    (found,) = harness.said("L114")
    assert [anchor.qualname for anchor in found.anchors][:2] == ["Board.to_dict", "Files.write"]
    told = {one.anchors[0].qualname: one.message for one in harness.said("O118")}
    assert "most likely made what could not be written down" in told["Board.to_dict"]


def test_what_is_named_for_writing_json_is_to_make_it_fit(
    run_harness: Callable[[Mapping[str, str]], Harness],
) -> None:
    agent = SAVING.replace("self.write(", "self.write_json(").replace("def write(", "def write_json(")
    main = "from agent import Agent\nfrom model import Model, say\n\nAgent(Model(say('enough'))).run('Go.')\n"
    (found,) = run_harness({"agent.py": agent.replace("NAME", "keep"), "main.py": main}).said("L114")
    assert found.anchors[0].qualname == "Files.write_json"


ABSENT = """\
import importlib


def load(name):
    HOW


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        reply = self.model.query([{"role": "user", "content": task}])["content"]
        return load(reply)
"""


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ("import nowhere_to_be_found\n    return nowhere_to_be_found", True),
        ("return importlib.import_module(name)", False),
    ],
)
def test_a_package_that_is_not_there_is_the_matter_of_who_needs_it(
    run_harness: Callable[[Mapping[str, str]], Harness], how: str, named: bool
) -> None:
    asking = "from agent import Agent\nfrom model import Model, say\n\nAgent(Model(say('nowhere_at_all'))).run('Go.')\n"
    harness = run_harness({"agent.py": ABSENT.replace("HOW", how), "main.py": asking})
    told = {one.anchors[0].qualname for one in harness.said("O118") if "an exception arose there" in one.message}
    assert ("load" in told) is named


LOOKED_AT = """\
class Plugin:
    def __init__(self):
        for name in dir(self):
            find(self, name)

    HOW
    def hooks(self):
        return self._hooks


class Agent:
    def __init__(self, model):
        self.model, self.plugin = model, Plugin()

    def run(self, task):
        reply = None
        for _ in range(2):
            reply = self.model.query([{"role": "user", "content": task}])["content"]
        return reply
"""
FINDS = """\
def find(thing, name):
    try:
        value = getattr(thing, name)
        return value() if name == "hooks" and callable(value) else value
    except Exception:
        return None
"""


@pytest.mark.parametrize(("how", "named"), [("@property", False), ("# called", True)])
def test_a_property_that_is_not_there_yet_is_no_place_to_look_at(
    run_harness: Callable[[Mapping[str, str]], Harness], how: str, named: bool
) -> None:
    agent = f"from finding import find\n\n\n{LOOKED_AT.replace('HOW', how)}"
    main = "from agent import Agent\nfrom model import Model, say\n\n"
    main += "raise SystemExit(Agent(Model(say('no'), say('no'))).run('Go.') != 'yes')\n"
    harness = run_harness({"agent.py": agent, "finding.py": FINDS, "main.py": main})
    told = {one.anchors[0].qualname for one in harness.said("O118") if "an exception arose there" in one.message}
    assert ("Plugin.hooks" in told) is named

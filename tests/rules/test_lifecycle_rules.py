"""Rules of lifecycle where their examples do not reach: other forms, and cases they must leave alone."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harnessfix.rules.lifecycle.l101_no_progress_loop import NoProgressLoop
from harnessfix.rules.lifecycle.l105_unbounded_retry import UnboundedRetry
from harnessfix.rules.lifecycle.l106_limit_bypassed import LimitBypassed
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.source import read_harness
from harnessfix_ir.steps import Part, Source, TraceStep
from harnessfix_ir.texts import digest
from harnessfix_ir.vocabulary import StepKind

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="recordings here run POSIX programs")

Run = Callable[[Mapping[str, str]], Any]

RETRYING = """\
import time


class ClientError(Exception):
    pass


class Remote:
    def __init__(self):
        self.calls = 0

    def complete(self, messages):
        self.calls += 1
        if self.calls < 4:
            raise ClientError("MESSAGE")
        return {"role": "assistant", "content": "hello"}

    def query(self, messages):
        for attempt in range(5):
            try:
                return self.complete(messages)
            except ClientError as error:
                print(attempt, error)
                time.sleep(0.001)
"""


@pytest.mark.parametrize(
    ("message", "speaks"),
    [
        ("Error code: 400: the messages are malformed", True),
        ("Error code: 429: too many requests", False),
        ("HTTP 503: overloaded", False),
        ("the 401 wizards are busy", False),
    ],
)
def test_only_errors_that_cannot_pass_make_a_retry_wrong(run_harness: Run, message: str, speaks: bool) -> None:
    main = 'from agent import Remote\n\nprint(Remote().query([{"role": "user", "content": "hi"}]))\n'
    harness = run_harness({"agent.py": RETRYING.replace("MESSAGE", message), "main.py": main})
    assert bool(harness.said("L104")) is speaks


TOOLED = '''\
import json


def NAME(what):
    """Do it."""
    BODY


TOOLS = {"NAME": NAME}


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(8):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for wanted in reply["tool_calls"]:
                arguments = json.loads(wanted["function"]["arguments"])
                GUARD
                messages.append({"role": "tool", "tool_call_id": wanted["id"], "content": str(result)})
'''
CALL = "result = TOOLS[wanted['function']['name']](**arguments)"


def _tooled(name: str, body: str, guard: str = CALL) -> str:
    return TOOLED.replace("NAME", name).replace("BODY", body).replace("GUARD", guard)


def _asking(name: str, times: int, different: bool = False) -> str:
    return (
        "from agent import Agent\nfrom model import Model, call, say\n\n"
        f'asked = [call("{name}", {{"what": "x" + "y" * n * {different:d}}}) for n in range({times})]\n'
        'print(Agent(Model(*asked, say("done"))).run("Work."))\n'
    )


@pytest.mark.parametrize(
    ("name", "body", "times", "different", "speaks"),
    [
        ("search", 'return "nothing found"', 4, False, True),
        ("search", 'return "nothing found"', 3, False, False),
        ("search", 'return "nothing found"', 6, True, False),
        ("wait_for_build", 'return "still building"', 6, False, False),
    ],
)
def test_only_equal_calls_with_equal_results_are_no_progress(
    run_harness: Run, name: str, body: str, times: int, different: bool, speaks: bool
) -> None:
    harness = run_harness({"agent.py": _tooled(name, body), "main.py": _asking(name, times, different)})
    assert bool(harness.said("L101")) is speaks


def test_an_exception_that_ends_the_run_on_purpose_is_no_step_error(run_harness: Run) -> None:
    body = 'raise Submitted("the answer")\n\n\nclass Submitted(Exception):\n    pass'
    main = (
        "import contextlib\n\nfrom agent import Agent, Submitted\nfrom model import Model, call\n\n"
        'with contextlib.suppress(Submitted):\n    Agent(Model(call("submit_work", {"what": "x"}))).run("Work.")\n'
    )
    harness = run_harness({"agent.py": _tooled("submit_work", body), "main.py": main})
    assert not harness.said("L108")


def test_what_a_tool_makes_of_its_own_failure_is_no_fault_of_it(run_harness: Run) -> None:
    body = "try:\n        open(what)\n    except OSError as error:\n        raise ValueError(what) from error"
    guard = "result = answer(wanted['function']['name'], arguments)"
    dispatch = """

def answer(name, arguments):
    try:
        return TOOLS[name](**arguments)
    except ValueError:
        raise
"""
    harness = run_harness({"agent.py": _tooled("look", body, guard) + dispatch, "main.py": _asking("look", 1)})
    (found,) = harness.said("L108")
    assert found.anchors[0].qualname == "answer"


def test_the_function_that_calls_the_tool_is_blamed_not_the_loop_around_it(run_harness: Run) -> None:
    agent = _tooled("look", "raise OSError(what)", "result = answer(wanted['function']['name'], arguments)")
    dispatch = "\n\ndef answer(name, arguments):\n    return TOOLS[name](**arguments)\n"
    harness = run_harness({"agent.py": agent + dispatch, "main.py": _asking("look", 1)})
    (found,) = harness.said("L108")
    assert [anchor.qualname for anchor in found.anchors][:2] == ["answer", "Agent.run"]


def test_what_a_decorator_puts_around_a_tool_is_not_blamed(run_harness: Run) -> None:
    wrapper = """

import functools


def noted(function):
    @functools.wraps(function)
    def inner(**arguments):
        return function(**arguments)
    return inner


def perform(name, arguments):
    return noted(TOOLS[name])(**arguments)
"""
    guard = "result = perform(wanted['function']['name'], arguments)"
    agent = _tooled("look", "raise OSError(what)", guard) + wrapper
    (found,) = run_harness({"agent.py": agent, "main.py": _asking("look", 1)}).said("L108")
    assert [anchor.qualname for anchor in found.anchors][:2] == ["perform", "Agent.run"]


def test_what_happens_inside_a_tool_is_no_translation_of_its_failure(run_harness: Run) -> None:
    body = "return checked(what)"
    checked = """

def checked(what):
    try:
        return open(what)
    except OSError as error:
        raise ValueError(what) from error


def perform(name, arguments):
    return TOOLS[name](**arguments)
"""
    guard = "result = perform(wanted['function']['name'], arguments)"
    agent = _tooled("look", body, guard) + checked
    (found,) = run_harness({"agent.py": agent, "main.py": _asking("look", 1)}).said("L108")
    assert found.anchors[0].qualname == "perform"


@pytest.mark.parametrize(("test", "speaks"), [("clock() + delay > give_up", False), ("not transient(error)", True)])
def test_a_retry_that_gives_up_when_time_is_over_has_a_stop(run_harness: Run, test: str, speaks: bool) -> None:
    source = f"""
from time import sleep


def query(client, messages, clock, transient, give_up, delay=1):
    while True:
        try:
            return client.chat.completions.create(model="m", messages=messages)
        except OSError as error:
            if {test}:
                raise
        sleep(delay)
"""
    assert bool(run_harness({"agent.py": source}).said_of_source("L105")) is speaks


def test_a_retry_without_a_stop_is_seen_where_the_attempts_are_no_steps(run_harness: Run) -> None:
    files = {name: text for name, text in UnboundedRetry.bad.files.items() if name != "model.py"}
    files["agent.py"] = (
        files["agent.py"]
        .replace("self.complete(", "self.backend.send(")
        .replace(
            "        self.failures = failures\n", "        self.backend = self\n        self.failures = failures\n"
        )
        .replace("def complete(", "def send(")
    )
    (found,) = run_harness(files).said("L105")
    assert found.anchors[0].qualname == "FlakyModel.query"
    assert "6 times" in found.message


def test_a_shape_error_in_a_tool_is_not_the_harness_reading_a_reply(run_harness: Run) -> None:
    main = _asking("look", 1)
    harness = run_harness({"agent.py": _tooled("look", 'return {}["missing"]'), "main.py": main})
    assert not harness.said("L114")
    assert harness.said("L108")


def test_the_clause_that_makes_a_worse_error_of_the_tools_own_is_blamed_first(run_harness: Run) -> None:
    agent = _tooled("look", "raise OSError(what)", "result = answer(wanted['function']['name'], arguments)")
    dispatch = (
        "\n\nclass AgentError(Exception):\n    pass\n\n\n"
        "def answer(name, arguments):\n    try:\n        return perform(name, arguments)\n"
        "    except Exception as error:\n        raise AgentError(f'{name} failed: {error}') from error\n\n\n"
        "def perform(name, arguments):\n    return TOOLS[name](**arguments)\n"
    )
    harness = run_harness({"agent.py": agent + dispatch, "main.py": _asking("look", 1)})
    found = harness.said("L108")[0]
    assert [anchor.qualname for anchor in found.anchors][:2] == ["answer", "perform"]


@pytest.mark.parametrize(
    ("read", "speaks"),
    [
        ("return int(reply['content'])", True),
        ("return {'yes': 1}[reply['content'].strip()]", True),
        ("raise ValueError(f\"the reply is no number: {reply['content']}\")", False),
    ],
)
def test_a_value_that_means_nothing_ends_the_run_unless_it_is_refused_on_purpose(
    run_harness: Run, read: str, speaks: bool
) -> None:
    agent = (
        "class Agent:\n    def __init__(self, model):\n        self.model = model\n\n"
        "    def run(self, task):\n        reply = self.model.query([{'role': 'user', 'content': task}])\n"
        f"        return self.number(reply)\n\n    def number(self, reply):\n        {read}\n"
    )
    asking = "print(Agent(Model(say('about forty'))).run('How many?'))"
    main = f"from agent import Agent\nfrom model import Model, say\n\n{asking}\n"
    harness = run_harness({"agent.py": agent, "main.py": main})
    assert bool(harness.said("L114")) is speaks


@pytest.mark.parametrize(("name", "use"), [("__call__", "self(reply)"), ("number", "self.number(reply)")])
def test_the_line_that_took_a_shape_for_granted_is_blamed_before_what_wraps_it(
    run_harness: Run, name: str, use: str
) -> None:
    agent = (
        "def told(function):\n    def wrapper(*args):\n        return function(*args)\n\n    return wrapper\n\n\n"
        "class Agent:\n    def __init__(self, model):\n        self.model = model\n\n"
        "    def run(self, task):\n        reply = self.model.query([{'role': 'user', 'content': task}])\n"
        f"        return {use}\n\n    @told\n    def {name}(self, reply):\n        return reply['number']\n"
    )
    asking = "print(Agent(Model(say('forty'))).run('How many?'))"
    main = f"from agent import Agent\nfrom model import Model, say\n\n{asking}\n"
    (found,) = run_harness({"agent.py": agent, "main.py": main}).said("L114")
    assert [anchor.qualname for anchor in found.anchors][:2] == [f"Agent.{name}", "told.wrapper"]


@pytest.mark.parametrize(
    ("body", "speaks"),
    [
        ("return json.loads(reply['content'])", True),
        ("return reply.citations[0]", False),
        ("return json.dumps(object())", False),
    ],
)
def test_what_is_tried_or_looked_up_is_no_mistake(run_harness: Run, body: str, speaks: bool) -> None:
    agent = (
        "import json\nimport logging\n\n\nclass Agent:\n    def __init__(self, model):\n        self.model = model\n\n"
        "    def read(self, reply):\n        try:\n            " + body + "\n"
        "        except Exception as error:\n            logging.warning('nothing: %s', error)\n"
        "            return None\n\n"
        "    def run(self, task):\n        return self.read(self.model.query([{'role': 'user', 'content': task}]))\n"
    )
    asking = "print(Agent(Model({'role': 'assistant', 'content': {'answer': 1}})).run('Is it so?'))"
    harness = run_harness(
        {"agent.py": agent, "main.py": f"from agent import Agent\nfrom model import Model\n\n{asking}\n"}
    )
    assert bool(harness.said("L131")) is speaks


COUNTING = """\
class FormatError(Exception):
    pass


class Agent:
    def __init__(self, model):
        self.model = model

    def check(self, reply):
        if reply["content"].startswith("?"):
            raise FormatError("no answer")
        return reply["content"]

    def run(self, task, max_steps=3):
        messages = [{"role": "user", "content": task}]
        steps = 0
        while steps < max_steps:
            reply = self.model.query(messages)
            messages.append(reply)
            try:
                text = self.check(reply)
                steps += 1
            except FormatError as error:
                messages.append({"role": "user", "content": str(error)})
                continue
            if text == "done":
                return text
"""


def test_a_counter_that_stands_still_on_the_error_path(run_harness: Run) -> None:
    main = (
        "from agent import Agent\nfrom model import Model, say\n\n"
        'print(Agent(Model(say("?"), say("?"), say("?"), say("?"), say("done"))).run("Work."))\n'
    )
    harness = run_harness({"agent.py": COUNTING, "main.py": main})
    (found,) = harness.said("L106")
    assert found.parameters["form"] == "skipped-on"
    assert "4 times" in found.message
    assert harness.said_of_source("L106")


GIVEN = """\
class Limits:
    def __init__(self, token_limit=None, old_token_limit=None, price=None):
        self.token_limit = token_limit or old_token_limit
        self.price = price or old_token_limit


class Agent:
    def __init__(self, model, limits):
        self.model, self.limits = model, limits

    def run(self, task):
        return self.model.query([{"role": "user", "content": task}])["content"]
"""


@pytest.mark.parametrize(("given", "said"), [("token_limit=0", 1), ("token_limit=7", 0), ("price=0", 0), ("", 0)])
def test_a_limit_of_zero_that_becomes_none_before_the_run(run_harness: Run, given: str, said: int) -> None:
    main = (
        "from agent import Agent, Limits\nfrom model import Model, say\n\n"
        f'print(Agent(Model(say("done")), Limits({given})).run("Work."))\n'
    )
    harness = run_harness({"agent.py": GIVEN, "main.py": main})
    found = harness.said("L106")
    assert len(found) == said
    assert all("had 0 and took" in one.message and one.anchors[0].start_line == 3 for one in found)
    assert len(harness.said("L139")) == said, "which yields to L106 on the same line"


STANDING = """\
class LimitsExceeded(Exception):
    pass


class Agent:
    def __init__(self, model, step_limit=3):
        self.model = model
        self.step_limit = step_limit
        self.steps = 0

    def query(self, messages):
        if self.steps >= self.step_limit:
            raise LimitsExceeded
        COUNT
        return self.model.query(messages)

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        while True:
            reply = self.query(messages)
            messages.append(reply)
            if reply["content"] == "done":
                return reply["content"]
"""


@pytest.mark.parametrize(
    ("count", "elsewhere", "speaks"),
    [
        ("pass", "", True),
        ("self.steps += 1", "", False),
        ("self.steps = len(messages)", "", False),
        ("pass", "def count(agent):\n    agent.steps += 1\n", False),
        ("pass", "class Other:\n    def count(self):\n        self.steps += 1\n", True),
        ("pass", "import agent\n\n\nclass Mine(agent.Agent):\n    def go(self):\n        self.steps += 1\n", False),
        ("pass", "def load(make, saved):\n    return make(steps=saved['steps'])\n", True),
        ("pass", "def load(make, saved):\n    return make(steps=len(saved))\n", False),
    ],
)
def test_a_counter_that_no_file_moves(run_harness: Run, count: str, elsewhere: str, speaks: bool) -> None:
    main = (
        "from agent import Agent\nfrom model import Model, say\n\n"
        'print(Agent(Model(*[say("on")] * 5, say("done"))).run("Work."))\n'
    )
    files = {"agent.py": STANDING.replace("COUNT", count), "main.py": main}
    harness = run_harness(files | ({"other.py": elsewhere} if elsewhere else {}))
    assert bool(harness.said_of_source("L106")) is speaks
    if speaks:
        (found,) = harness.said("L106")
        assert (found.parameters["form"], found.anchors[0].qualname) == ("stands-still", "Agent.query")


UNREAD = """\
from dataclasses import dataclass


@dataclass
class Config:
    step_limit: int = 0
    cost_limit: float = 3.0


class Agent:
    def __init__(self, model, config):
        self.model, self.config, self.cost = model, config, 0.0

    def query(self, messages):
        if 0 < self.config.cost_limit <= self.cost:
            raise RuntimeError("the money is spent")
        return self.model.query(messages)

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        while True:
            reply = self.query(messages)
            messages.append(reply)
            if reply["content"] == "done":
                return reply["content"]
"""


@pytest.mark.parametrize(("times", "seen"), [(30, True), (3, False)])
def test_a_limit_that_nothing_looks_at_is_of_a_run_that_went_on(run_harness: Run, times: int, seen: bool) -> None:
    main = (
        "from agent import Agent, Config\nfrom model import Model, say\n\n"
        f'replies = [say(f"part {{n}}") for n in range({times})]\n'
        'print(Agent(Model(*replies, say("done")), Config(step_limit=3)).run("Work."))\n'
    )
    harness = run_harness({"agent.py": UNREAD, "main.py": main})
    assert [found.parameters["form"] for found in harness.said_of_source("L106")] == ["uncompared"]
    assert [found.anchors[0].qualname for found in harness.said("L106")] == (["Agent.query"] if seen else [])


BUDGETED = """\
from dataclasses import dataclass


@dataclass
class Limits:
    request_limit: int = 50

    def check(self, requests):
        CHECK


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task, request_limit):
        limits, messages, requests = Limits(request_limit), [{"role": "user", "content": task}], 0
        while True:
            limits.check(requests)
            reply = self.model.query(messages)
            requests += 1
            messages.append(reply)
            if reply["content"] == "done":
                return reply["content"]
"""


@pytest.mark.parametrize("sound", [True, False])
def test_what_declares_a_limit_on_requests_let_one_too_many_through(run_harness: Run, sound: bool) -> None:
    main = (
        "from agent import Agent\nfrom model import Model, say\n\n"
        'try:\n    print(Agent(Model(*[say("on")] * 4, say("done"))).run("Work.", request_limit=2))\n'
        "except RuntimeError as error:\n    print(error)\n"
    )
    check = "if requests >= self.request_limit:\n            raise RuntimeError('no more')" if sound else "pass"
    found = run_harness({"agent.py": BUDGETED.replace("CHECK", check), "main.py": main}).said("L106")
    assert [each.anchors[0].qualname for each in found] == ([] if sound else ["Limits"])


@pytest.mark.parametrize(
    ("code", "speaks"),
    [
        ("if self._max_turns is not None:\n            pass", True),
        ("return self._turn >= self._max_turns", False),
        ("return self.over(self._turn, self._max_turns)", False),
        ("return self._turn > 9", False),
    ],
)
def test_turns_that_are_counted_beside_a_limit(run_harness: Run, code: str, speaks: bool) -> None:
    source = (
        "class Manager:\n    def __init__(self, max_turns=None):\n        self._max_turns = max_turns\n"
        f"        self._turn = 0\n\n    def ended(self):\n        self._turn += 1\n        {code}\n"
    )
    assert bool(run_harness({"agent.py": source}).said_of_source("L106")) is speaks


@pytest.mark.parametrize(
    ("begin", "count", "speaks"),
    [
        ("turn = 0", "pass", True),
        ("turn = saved.turn if saved else 0", "pass", False),
        ("turn = 0", "turn += 1", False),
        ("turn = 0", "turn = 1", False),
        ("turn = 0", "turn, reply = reply, turn", False),
    ],
)
def test_a_local_counter_that_nothing_moves(run_harness: Run, begin: str, count: str, speaks: bool) -> None:
    source = (
        f"def run(model, messages, saved=None, max_turns=5):\n    {begin}\n    while True:\n"
        f"        if turn > max_turns:\n            break\n        reply = model.query(messages)\n        {count}\n"
    )
    assert bool(run_harness({"agent.py": source}).said_of_source("L106")) is speaks


@pytest.mark.parametrize(
    ("code", "speaks"),
    [
        ("cost_limit or 3.0", True),
        ("max_retries or 5", True),
        ("3.0 if cost_limit is None else cost_limit", False),
        ("cost_limit or None", False),
        ("max_steps or 20", False),
        ("retry_connections or 1.0", False),
    ],
)
def test_zero_is_thrown_away_only_where_somebody_means_it(run_harness: Run, code: str, speaks: bool) -> None:
    source = (
        f"def settle(cost_limit=None, max_retries=None, max_steps=None, retry_connections=None):\n    return {code}\n"
    )
    harness = run_harness({"agent.py": source})
    assert bool(harness.said_of_source("L106")) is speaks


@pytest.mark.parametrize(
    ("code", "speaks"),
    [
        ("if temperature:\n        options['temperature'] = temperature", True),
        ("if temperature is not None:\n        options['temperature'] = temperature", False),
        ("if temperature:\n        print('warm')", False),
        ("if temperature:\n        options['t'] = temperature\n    else:\n        options['t'] = 0.7", False),
    ],
)
def test_a_zero_that_is_not_handed_on(run_harness: Run, code: str, speaks: bool) -> None:
    source = f"def ask(client, temperature=None):\n    options = {{}}\n    {code}\n    return client.ask(**options)\n"
    assert bool(run_harness({"agent.py": source}).said_of_source("L106")) is speaks


@pytest.mark.parametrize(
    ("kind", "speaks"),
    [
        ("int", True),
        ("Optional[int]", True),
        ("Any", True),
        ("'int | None'", True),
        ("list[dict[str, Any]]", False),
        ("str | None", False),
    ],
)
def test_what_is_declared_to_be_no_number_has_no_zero(run_harness: Run, kind: str, speaks: bool) -> None:
    source = f"def ask(client, seed: {kind}):\n    options = {{}}\n    if seed:\n        options['seed'] = seed\n"
    assert bool(run_harness({"agent.py": source}).said_of_source("L106")) is speaks


@pytest.mark.parametrize(
    ("elsewhere", "speaks"),
    [
        ('read.get("backoff", False)', False),
        ("read(backoff=True)", False),
        ('read.get("backoff", 2)', True),
        ("read(backoff=None)", True),
    ],
)
def test_what_is_on_or_off_elsewhere_in_the_file_has_no_zero(run_harness: Run, elsewhere: str, speaks: bool) -> None:
    source = (
        "def write(agent, config):\n    if agent.backoff:\n        config['backoff'] = agent.backoff\n\n\n"
        f"def load(read):\n    return {elsewhere}\n"
    )
    assert bool(run_harness({"agent.py": source}).said_of_source("L106")) is speaks


@pytest.mark.parametrize(
    ("code", "speaks"),
    [
        ("def dial(client, seed: int | None = None):\n    if seed:\n        client.seed = seed\n", True),
        ("def dial(client, seed: list[str]):\n    if seed:\n        client.seed = seed\n", False),
        ("def ask(client, delay):\n    if delay:\n        client.delay = delay\n", True),
        ("def ask(client, delay):\n    if delay:\n        client.wait(delay)\n", False),
        ("def ask(client, delay):\n    if delay:\n        time.sleep(delay)\n", False),
    ],
)
def test_zero_counts_where_it_is_a_number_that_does_something(run_harness: Run, code: str, speaks: bool) -> None:
    assert bool(run_harness({"agent.py": f"import time\n\n{code}"}).said_of_source("L106")) is speaks


def test_more_tool_calls_than_the_limit_that_was_given() -> None:
    """A batch of parallel calls, each checked against the count from before the batch."""
    given = '{"$type": "UsageLimits", "request_limit": 50, "tool_calls_limit": 2}'
    source = Source(format="otlp-json")
    task = TraceStep(
        id="s1",
        kind=StepKind.TASK,
        name="run",
        source=source,
        input=(Part(role="arguments", text=digest(given), name="usage_limits"),),
    )
    calls = [TraceStep(id=f"s{n}", parent="s1", kind=StepKind.TOOL_CALL, name="f", source=source) for n in (2, 3, 4)]

    def run(*steps: TraceStep) -> Htir:
        return Htir(run=RunInfo(id="r"), steps=steps, texts={digest(given): given})

    (finding,) = LimitBypassed().check_run(run(task, *calls), HarnessModel(root="/nowhere"))
    assert finding.responsible_step == "s4"
    assert not list(LimitBypassed().check_run(run(task, *calls[:2]), HarnessModel(root="/nowhere")))


@pytest.mark.parametrize(("asked", "speaks"), [(4, False), (5, True)])
def test_more_turns_than_the_limit_that_was_given(asked: int, speaks: bool) -> None:
    """A turn may ask twice; a limit of two is passed by the fifth time."""
    given = '{"context": null, "max_turns": 2}'
    source = Source(format="otlp-json")
    settings = Part(role="arguments", text=digest(given), name="kwargs")
    said = Part(role="user", text=digest("go"))
    task = TraceStep(id="s1", kind=StepKind.TASK, name="run", source=source, input=(settings,))
    turns = [
        TraceStep(id=f"s{n}", parent="s1", kind=StepKind.MODEL_CALL, name="query", source=source, input=(said,))
        for n in range(2, 2 + asked)
    ]
    run = Htir(run=RunInfo(id="r"), steps=(task, *turns), texts={digest(given): given, digest("go"): "go"})
    found = list(LimitBypassed().check_run(run, HarnessModel(root="/nowhere")))
    assert [(finding.responsible_step, finding.symptom_step) for finding in found] == [("s1", "s4")] * speaks


@pytest.mark.parametrize(
    ("test", "speaks"),
    [
        ("self.config.cost_limit <= self.cost", True),
        ("self.config.cost_limit <= self.cost or self.config.step_limit <= self.steps", False),
        ("self.cost > 3", False),
    ],
)
def test_a_limit_that_is_declared_and_never_looked_at(run_harness: Run, test: str, speaks: bool) -> None:
    source = f"""
from dataclasses import dataclass


@dataclass
class AgentConfig:
    step_limit: int = 0
    cost_limit: float = 3.0


class Agent:
    def __init__(self, config):
        self.config, self.cost, self.steps = config, 0.0, 0

    def query(self, model, messages):
        if {test}:
            raise RuntimeError("too much")
        self.steps += 1
        return model.query(messages)
"""
    found = run_harness({"agent.py": source}).said_of_source("L106")
    assert [diagnosis.anchors[0].qualname for diagnosis in found] == ["Agent.query"] * speaks


def test_equal_calls_are_equal_whatever_id_the_harness_adds() -> None:
    source, arguments = Source(format="otlp-json"), '{"key": "a"}'
    steps = []
    for n in range(4):
        asked = Part(role="assistant", kind="tool_call", name="look", text=digest(arguments), call_id=f"call_{n}")
        given = Part(role="arguments", name="context", text=digest(f"call {n}"), call_id=f"call_{n}")
        model = TraceStep(id=f"s{2 * n}", kind=StepKind.MODEL_CALL, name="query", source=source, output=(asked,))
        tool = TraceStep(id=f"s{2 * n + 1}", kind=StepKind.TOOL_CALL, name="look", source=source, input=(given,))
        steps += [model, tool]
    texts = {digest(text): text for text in (arguments, *(f"call {n}" for n in range(4)))}
    run = Htir(run=RunInfo(id="r"), steps=tuple(steps), texts=texts)
    (finding,) = NoProgressLoop().check_run(run, HarnessModel(root="/nowhere"))
    assert finding.symptom_step == "s7"


def test_a_step_that_runs_a_batch_is_as_many_calls_as_it_runs() -> None:
    """A function that is handed all calls of a reply and makes each through another one."""
    given, source = '{"$type": "UsageLimits", "tool_calls_limit": 2}', Source(format="otlp-json")
    one = Part(role="arguments", text=digest("{}"), name="tool_call")
    task = TraceStep(
        id="s1",
        kind=StepKind.TASK,
        name="run",
        source=source,
        input=(Part(role="arguments", text=digest(given), name="usage_limits"),),
    )
    batch = TraceStep(id="s2", parent="s1", kind=StepKind.TOOL_CALL, name="call_tools", source=source)
    made = [
        TraceStep(id=f"s{n}", parent="s2", kind=StepKind.LIFECYCLE, name="call_tool", source=source, input=(one,))
        for n in (3, 4, 5)
    ]

    def run(*steps: TraceStep) -> Htir:
        return Htir(run=RunInfo(id="r"), steps=steps, texts={digest(given): given, digest("{}"): "{}"})

    (finding,) = LimitBypassed().check_run(run(task, batch, *made), HarnessModel(root="/nowhere"))
    assert finding.responsible_step == "s5"
    assert not list(LimitBypassed().check_run(run(task, batch, *made[:2]), HarnessModel(root="/nowhere")))


SENDS = """\
class Chat:
    async def tell(self, agents, text):
        for agent in agents:
            await agent.{method}(text)

    async def resume(self, agents, text):
        for agent in agents:
            agent.{method}(text)
"""


@pytest.mark.parametrize(("method", "speaks"), [("a_send", True), ("send_async", True), ("send", False)])
def test_l122_knows_coroutines_by_how_the_file_calls_them(run_harness: Run, method: str, speaks: bool) -> None:
    assert bool(run_harness({"agent.py": SENDS.format(method=method)}).said_of_source("L122")) is speaks


POPS = """\
def ask(model, **options):
    for attempt in range(3):
        {way}
        if model.ask(attempt, count, **options):
            options["count"] = count + 1
            return ask(model, **options)
"""


@pytest.mark.parametrize(
    ("way", "speaks"),
    [
        ('count = options.pop("count", 0)', True),
        ('options = {"count": attempt}; count = options.pop("count", 0)', False),
        ('model.fill(options); count = options.pop("count", 0)', False),
        ('count = options.pop("count", 0); options["count"] = count + 1', False),
        ('count = options.get("count", 0)', False),
    ],
)
def test_l137_a_loop_that_fills_what_it_pops_from_is_sound(run_harness: Run, way: str, speaks: bool) -> None:
    assert bool(run_harness({"agent.py": POPS.format(way=way)}).said_of_source("L137")) is speaks


SIGNALLING = """\
class FinalAnswer(Exception):
    pass


class Agent:
    def __init__(self, tools):
        self.tools = tools

    def call_tool(self, name, *arguments):
        try:
            return self.tools[name](*arguments)
        except KeyError:
            return f"there is no tool {name}"
        except Exception as error:
            return f"the tool failed: {error}"

    def run(self, calls):
        try:
            for call in calls:
                print(self.call_tool(*call))
        except FinalAnswer as answer:
            return str(answer)


def final_answer(text):
    raise FinalAnswer(text)
"""
CALLING = """\
from agent import Agent, final_answer

print(Agent({"final_answer": final_answer}).run([("final_answer", "42"), ("search", "x")]))
"""


@pytest.mark.parametrize(
    ("old", "new", "speaks"),
    [
        ("", "", True),
        ("FinalAnswer(Exception)", "FinalAnswer(BaseException)", False),
        ('            return f"the tool failed: {error}"', "            raise", False),
        ("except FinalAnswer as", "except ValueError as", False),
    ],
)
def test_a_signal_of_the_harness_that_a_broad_clause_takes(run_harness: Run, old: str, new: str, speaks: bool) -> None:
    said = run_harness({"agent.py": SIGNALLING.replace(old, new), "main.py": CALLING}).said("L121")
    assert [d.anchors[0].qualname for d in said] == ["FinalAnswer"] * speaks
    assert [d.anchors[1].qualname for d in said] == ["Agent.call_tool"] * speaks


CHOOSING = """\
class Settings:
    def __init__(self, window):
        self.window = window


def tool(function):
    return function


@tool
def window_of(own, general):
    "How many turns are shown."
    return own.window or general.window
"""


@pytest.mark.parametrize(
    ("own", "general", "confidence"),
    [
        ("0", "5", 0.75),
        ("False", "5", 0.75),
        ("None", "5", None),
        ("3", "5", None),
        ("0", "0", None),
        ("[]", "[1]", 0.65),
    ],
)
def test_a_value_that_is_taken_for_unset(run_harness: Run, own: str, general: str, confidence: float | None) -> None:
    main = f"from agent import Settings, window_of\nprint(window_of(Settings({own}), Settings({general})))\n"
    said = run_harness({"agent.py": CHOOSING, "main.py": main}).said("L139")
    assert [d.confidence for d in said] == ([] if confidence is None else [confidence])
    assert [d.anchors[0].start_line for d in said] == [13] * len(said)


HANDS_ON = """
class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task, settings):
        options = {"model": "a"}
        for _ in range(2):
            if TEST:
                options["patience"] = BODY
            messages = [{"role": "user", "content": f"{task} {options}"}]
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
"""


@pytest.mark.parametrize(
    ("test", "body", "given", "confidence"),
    [
        ('patience := settings.get("patience")', "1000 * patience", "0", 0.75),
        ('settings["patience"]', 'settings["patience"]', "0.0", 0.75),
        ('settings.get("patience") is not None', 'settings["patience"]', "0", None),
        ('settings.get("patience")', 'settings["patience"]', "0", 0.75),
        ('settings.get("patience")', 'settings["patience"]', "3", None),
        ('settings.get("patience")', 'max(1, *[settings["patience"]])', "0", 0.75),
        ('settings.get("patience")', 'self.settings["patience"]', "0", None),
        ('settings.get("patience")', "30", "0", None),
        (
            'settings["patience"]',
            'settings["patience"]\n            else:\n                options["none"] = 1',
            "0",
            None,
        ),
        ('settings["model"]', 'settings["patience"]', "0", None),
    ],
)
def test_a_zero_that_is_handed_on_only_where_it_is_true(
    run_harness: Run, test: str, body: str, given: str, confidence: float | None
) -> None:
    source = HANDS_ON.replace("TEST", test).replace("BODY", body)
    main = "from agent import Agent\nfrom model import Model, say\n"
    main += f'print(Agent(Model(say("x"))).run("Go.", {{"patience": {given}}}))\n'
    said = run_harness({"agent.py": source, "main.py": main}).said("L139")
    assert [d.confidence for d in said] == ([] if confidence is None else [confidence])
    assert [d.anchors[0].start_line for d in said] == [9] * len(said)


RETRIES = """
import time


class Agent:
    def __init__(self, model):
        self.model, self.asked = model, 0

    def query(self, messages):
        self.asked += 1
        if self.asked < 8:
            raise ConnectionError("down")
        return self.model.query(messages)

    def run(self, task):
        attempts = 0
        while True:
            try:
                return self.query([{"role": "user", "content": task}])["content"]
            except ConnectionError:
                attempts += 1
                STOP
                time.sleep(0.001)
"""


@pytest.mark.parametrize(("stop", "speaks"), [("pass", True), ("if attempts >= 20:\n                    raise", False)])
def test_a_retry_meets_what_arose_further_in(run_harness: Run, stop: str, speaks: bool) -> None:
    main = "from agent import Agent\nfrom model import Model, say\nprint(Agent(Model(say('x'))).run('Go.'))\n"
    found = run_harness({"agent.py": RETRIES.replace("STOP", stop), "main.py": main}).said("L105")
    assert [one.anchors[0].qualname for one in found] == ["Agent.run"] * speaks


def test_a_budget_is_governance_and_a_bound_on_rounds_lifecycle(run_harness: Run) -> None:
    source = "def run(cost_limit=None, step_limit=None):\n    cost = cost_limit or 3.0\n    steps = step_limit or 30\n"
    said = run_harness({"agent.py": source}).said_of_source("L106")
    layers = {d.message.split()[0]: d.layer.value for d in said}
    assert layers == {"cost_limit": "governance", "step_limit": "lifecycle"}


@pytest.mark.parametrize(("line", "speaks"), [("input()", False), ("self.rest()", True)])
def test_a_loop_in_which_a_person_types_is_no_endless_retry(line: str, speaks: bool, tmp_path: Path) -> None:
    source = RETRYING.replace("for attempt in range(5):", "while True:").replace("print(attempt, error)", line)
    (tmp_path / "agent.py").write_text(source, encoding="utf-8")
    found = list(UnboundedRetry().check_source(read_harness([tmp_path])))
    assert bool(found) is speaks


CLAUSE = """\
class Unreadable(Exception):
    pass


def parse(text):
    if not text.startswith("ANSWER"):
        raise Unreadable("begin with ANSWER")
    return text


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(3):
            try:
                reply = self.model.query(messages)
                messages.append(reply)
                return parse(reply["content"])
            except Unreadable as error:
                CLAUSE
        return None
"""


@pytest.mark.parametrize(
    ("clause", "speaks"),
    [
        ("raise", True),
        ("print(error)\n                raise", False),
        (
            "raise\n            except Exception as error:\n                messages.append({'content': str(error)})",
            False,
        ),
        ('messages.append({"role": "user", "content": str(error)})', False),
    ],
)
def test_l108_a_clause_in_the_loop_that_only_raises_again(run_harness: Run, clause: str, speaks: bool) -> None:
    main = (
        'from agent import Agent\nfrom model import Model, say\n\nAgent(Model(say("42"), say("ANSWER 42"))).run("go")\n'
    )
    found = run_harness({"agent.py": CLAUSE.replace("CLAUSE", clause), "main.py": main}).said("L108")
    assert [finding.anchors[0].qualname for finding in found] == (["Agent.run"] if speaks else [])


def test_l106_calls_that_are_refused_are_not_made(run_harness: Run) -> None:
    agent = """
def look(key):
    return f"value of {key}"


TOOLS = {"look": look}


class Agent:
    def __init__(self, model):
        self.model, self.made = model, 0

    def run(self, task, tool_call_limit):
        messages = [{"role": "user", "content": task}]
        for _ in range(8):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for call, content in self.run_function_calls(reply["tool_calls"], tool_call_limit):
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": content})

    def run_function_calls(self, calls, limit):
        for call in calls:
            self.made += 1
            yield call, "No more calls." if self.made > limit else self.run_function_call(call)

    def run_function_call(self, function_call):
        return TOOLS[function_call["function"]["name"]]("a")
"""
    main = """
from agent import Agent
from model import Model, call, say

calls = [call("look", {"key": "a"}, f"call_{n}") for n in range(5)]
Agent(Model(*calls, say("done"))).run("go", tool_call_limit=2)
"""
    found = run_harness({"agent.py": agent, "main.py": main}).said("L106")
    assert not [finding for finding in found if finding.parameters["form"] == "overspent"]


ASKING = """\
class Client:
    def __init__(self, model):
        self.model = model

    def complete(self, messages, size="large"):
        return self.model.query(messages)


class Agent:
    def __init__(self, model):
        self.client = Client(model)

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(3):
            ASK
            messages.append(reply)
            if reply["content"].startswith("DONE"):
                return reply["content"]
        return None
"""


@pytest.mark.parametrize(
    ("ask", "speaks"),
    [
        ("reply = ASKS\n            reply = ASKS", True),
        ("replies = [ASKS for _ in range(2)]\n            reply = replies[-1]", False),
        ("first = ASKS\n            reply = ASKS\n            messages.append(first)", False),
        (
            "reply = ASKS\n            messages.append({'role': 'user', 'content': 'Sure?'})\n            reply = ASKS",
            False,
        ),
        ("reply = ASKS\n            if not reply['content'].endswith('7'):\n                reply = ASKS", False),
        ("reply = ASKS\n            reply = max(reply, ASKS, key=len)", False),
        ("reply = self.client.complete(messages, 'small')\n            reply = self.client.complete(messages)", False),
        ("reply = None\n            if task:\n                reply = ASKS\n            reply = ASKS", True),
    ],
)
def test_a_request_made_twice_is_told_where_only_the_second_reply_is_used(
    run_harness: Run, ask: str, speaks: bool
) -> None:
    main = (
        "from agent import Agent\nfrom model import Model, say\n\n"
        "script = [say('Counting.'), say('Let me count.'), say('Seven, I think.'), say('DONE 7')]\n"
        "print(Agent(Model(*script)).run('How many days?'))\n"
    )
    found = run_harness(
        {"agent.py": ASKING.replace("ASK", ask.replace("ASKS", "self.client.complete(messages)")), "main.py": main}
    ).said("L143")
    assert [one.anchors[0].qualname for one in found] == ["Agent.run"] * speaks

"""The harness model of small sources."""

from collections.abc import Callable, Mapping

from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.vocabulary import ElementRole

Reader = Callable[[Mapping[str, str]], HarnessModel]
One = Callable[[HarnessModel, ElementRole], Element]

AGENT = """
import json
import subprocess
from dataclasses import dataclass


@dataclass
class Settings:
    system_template: str = "You solve tasks with a shell. The task is {{ task }}."
    late_template: str = "The command was stopped. It printed:\\n{{ output }}\\nTry something else."
    limit: int = 20


class Model:
    def query(self, messages):
        return {"content": client.chat.completions.create(model="m", messages=messages)}


class Shell:
    def execute(self, command, timeout=None):
        done = subprocess.run(command, shell=True, text=True, timeout=timeout, stdout=subprocess.PIPE)
        return done.stdout


class Agent:
    def __init__(self, model: Model, shell: Shell):
        self.model = model
        self.shell = shell
        self.messages = []
        self.settings = Settings()

    def run(self, task):
        self.messages = [{"role": "user", "content": task}]
        while True:
            try:
                self.step()
            except ValueError:
                pass

    def step(self):
        reply = self.model.query(self.messages)
        action = self.parse_action(reply["content"])
        self.messages.append({"role": "user", "content": f"Output: {self.shell.execute(action)}"})

    def parse_action(self, content):
        return json.loads(content)["action"]
"""


def test_an_agent_in_one_file(read: Reader, one: One) -> None:
    model = read({"agent.py": AGENT})
    loop = one(model, ElementRole.AGENT_LOOP)
    assert loop.anchor.qualname == "Agent.run"
    assert loop.value("unbounded") is True
    assert loop.value("asks") == ["agent.py:Model.query"]
    assert one(model, ElementRole.MODEL_CALL).value("sdk") == "client.chat.completions.create"
    tool = one(model, ElementRole.TOOL)
    assert tool.value("tool-name") == "execute"
    parser = one(model, ElementRole.PARSER)
    assert parser.value("unguarded-json-loads") == [parser.anchor.start_line + 1]
    process = one(model, ElementRole.SUBPROCESS)
    assert process.value("command-from") == "parameter"
    assert process.value("shell") is True
    assert process.value("text-without-errors") is True
    assert process.value("new-session") is None
    function = model.function("agent.py", "Agent.step")
    assert function is not None
    assert function.value("roles") == ["context_builder"]


def test_a_handler_in_the_agent_loop_that_swallows(read: Reader, one: One) -> None:
    handler = one(read({"agent.py": AGENT}), ElementRole.HANDLER)
    assert handler.value("catches") == ["ValueError"]
    assert handler.value("swallows") is True
    assert handler.value("passes") is True
    assert handler.value("in-loop") == "Agent.run"


def test_template_fields_are_prompts_with_placeholders(read: Reader) -> None:
    prompts = {e.name: e for e in read({"agent.py": AGENT}).of_role(ElementRole.PROMPT)}
    assert prompts["late_template"].value("engine") == "jinja"
    assert prompts["late_template"].value("placeholders") == ["output"]
    assert prompts["late_template"].value("bounded-placeholders") is None
    assert prompts["late_template"].value("is-observation") is True
    assert prompts["late_template"].anchor.qualname == "Settings.late_template"


def test_calls_inside_the_harness_are_resolved(read: Reader) -> None:
    calls = {(c.caller, c.callee): c.resolved for c in read({"agent.py": AGENT}).calls}
    assert calls["agent.py:Agent.run", "self.step"] == "agent.py:Agent.step"
    assert calls["agent.py:Agent.step", "self.model.query"] == "agent.py:Model.query"
    assert calls["agent.py:Agent.step", "self.shell.execute"] == "agent.py:Shell.execute"


RETRIES = """
from tenacity import retry, stop_after_attempt, wait_fixed, retry_if_not_exception_type

class LanguageModel:
    @retry(stop=stop_after_attempt(3), wait=wait_fixed(1), retry=retry_if_not_exception_type((KeyError, TypeError)))
    def query(self, messages):
        return self.client.responses.create(input=messages)

    @retry(stop=stop_after_attempt(3), reraise=True)
    def complete(self, messages):
        return self.client.responses.create(input=messages)

    @retry
    def chat(self, messages):
        return self.client.responses.create(input=messages)
"""


def test_tenacity_retries(read: Reader) -> None:
    first, second, third = read({"models.py": RETRIES}).of_role(ElementRole.RETRY)
    assert first.value("no-reraise") is True
    assert first.value("not-retried") == ["KeyError", "TypeError"]
    assert first.value("retries-everything") is None
    assert first.value("decorates") == "LanguageModel.query"
    assert second.value("no-reraise") is None
    assert second.value("no-wait") is True
    assert second.value("retries-everything") is True
    assert third.value("no-stop") is True


def test_what_is_run_in_a_thread_is_asked_all_the_same(read: Reader, one: One) -> None:
    text = """
import asyncio

async def ask(url, messages):
    reply = await asyncio.to_thread(post, f"{url}/chat/completions", {"messages": messages})
    return reply["choices"][0]
"""
    call = one(read({"agent.py": text}), ElementRole.MODEL_CALL)
    assert call.anchor.qualname == "ask"


def test_a_decorated_subclass_of_tool_is_a_tool(read: Reader, one: One) -> None:
    text = """
@tool
class Convert(Tool):
    parameters = {"feet": "number"}

    async def call(self, feet):
        return str(feet * 0.3048)
"""
    found = one(read({"tools.py": text}), ElementRole.TOOL)
    assert (found.anchor.qualname, found.value("tool-name")) == ("Convert.call", "Convert")


DESCRIBED = """
class Agent:
    @property
    def name(self):
        return self._name

    @property
    def description(self):
        return self._description

    def run(self, task):
        return self.model.create(messages=[task])
"""


def test_a_name_and_a_description_alone_make_no_tool_of_an_agent(read: Reader, one: One) -> None:
    assert not [e for e in read({"agent.py": DESCRIBED}).elements if e.role is ElementRole.TOOL]
    worded = DESCRIBED.replace("return self._description", 'return "Looks things up."')
    assert one(read({"tool.py": worded}), ElementRole.TOOL).anchor.qualname == "Agent.run"


def test_an_evaluation_of_arguments_parses_them(read: Reader, one: One) -> None:
    text = """
def answer(call):
    arguments = eval(call["function"]["arguments"])
    return TOOLS[call["function"]["name"]](**arguments)
"""
    assert one(read({"agent.py": text}), ElementRole.PARSER).anchor.qualname == "answer"


def test_a_method_of_a_client_that_is_got_by_its_name(read: Reader) -> None:
    code = """
class Generator:
    def run(self, messages, endpoint):
        ask = getattr(self.client.chat.completions, endpoint)
        return ask(messages=messages)

    def other(self, name):
        ask = getattr(self.store, name)
        return ask()
"""
    found = read({"client.py": code}).of_role(ElementRole.MODEL_CALL)
    assert [(call.anchor.qualname, call.value("sdk")) for call in found] == [
        ("Generator.run", "self.client.chat.completions.create")
    ]

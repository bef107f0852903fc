"""What only several places together say: tools, loops, calls."""

from collections.abc import Callable, Mapping

import pytest

from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.vocabulary import ElementRole, Evidence

Reader = Callable[[Mapping[str, str]], HarnessModel]
ReadOne = Callable[[str], HarnessModel]


def tools(model: HarnessModel) -> dict[str, tuple[str, str]]:
    """Tool names to qualified name and way of registration."""
    return {
        str(e.value("tool-name")): (e.anchor.qualname, str(e.value("registered-by")))
        for e in model.of_role(ElementRole.TOOL)
    }


# --- tools ---------------------------------------------------------------------------------------------------------


def test_tools_by_decorator_dict_and_list(read_one: ReadOne) -> None:
    model = read_one(
        """
@tool
def search(query):
    return query

@registry.register_tool("calc")
def calculate(x):
    return x

def read_file(path):
    return path

def write_file(path, text):
    return path

TOOLS = {"read": read_file, "count": lambda **given: count_words(agent, **given)}
agent = Agent(tools=[write_file])

def count_words(agent, text):
    return len(text.split())
"""
    )
    assert tools(model) == {
        "count": ("count_words", "dict"),
        "search": ("search", "decorator"),
        "calc": ("calculate", "decorator"),
        "read": ("read_file", "dict"),
        "write_file": ("write_file", "list"),
    }


@pytest.mark.parametrize(("imported", "tool"), [("argparse", False), ("json", True)])
def test_what_a_person_types_is_no_tool(read_one: ReadOne, imported: str, tool: bool) -> None:
    model = read_one(f"import {imported}\n\ndef delete(given):\n    return given\n\nHANDLERS = {{'delete': delete}}\n")
    assert bool(tools(model)) is tool


@pytest.mark.parametrize(
    ("table", "more"),
    [
        ("TOOL_HANDLERS", ""),
        ("available_functions", ""),
        ("HANDLERS", "SCHEMA = {'name': 'delete', 'description': 'd', 'parameters': {'properties': {}}}"),
    ],
)
def test_tools_of_a_program_with_a_command_line(read_one: ReadOne, table: str, more: str) -> None:
    source = f"import argparse\n\ndef remove(given):\n    return given\n\n{table} = {{'delete': remove}}\n{more}\n"
    assert tools(read_one(source))["delete"][0] == "remove"


def test_tools_of_another_file_by_schema(read: Reader) -> None:
    model = read(
        {
            "schemas.py": 'S = [{"type": "function", "function": {"name": "get_weather", "description": "d", '
            '"parameters": {"type": "object", "properties": {"town": {}, "day": {}}}}}]\n',
            "weather.py": "def get_weather(town):\n    return town\n",
        }
    )
    (tool,) = model.of_role(ElementRole.TOOL)
    assert tool.anchor.place == "weather.py:1"
    assert tool.value("registered-by") == "schema"
    assert tool.value("described-params") == ["town", "day"]
    assert tool.value("params") == ["town"]


def test_the_shell_that_is_offered_is_the_environment(read: Reader) -> None:
    model = read(
        {
            "schema.py": 'BASH = {"name": "bash", "description": "d", "parameters": {"properties": {"command": {}}}}\n',
            "env.py": "import subprocess\nclass LocalEnv:\n    def execute(self, action, command=''):\n"
            "        return subprocess.run(command, shell=True)\n",
        }
    )
    assert tools(model) == {"bash": ("LocalEnv.execute", "environment")}


def test_tools_by_class(read_one: ReadOne) -> None:
    model = read_one(
        """
class Search(BaseTool):
    name = "web_search"
    description = "Search the web."
    inputs = {"query": {"type": "string"}}

    def forward(self, query):
        return query
"""
    )
    (tool,) = model.of_role(ElementRole.TOOL)
    assert (tool.name, tool.anchor.qualname, tool.value("described-params")) == (
        "web_search",
        "Search.forward",
        ["query"],
    )


def test_a_tool_factory_stands_for_the_function_it_returns(read_one: ReadOne) -> None:
    model = read_one(
        "@tool\ndef bash(timeout):\n    async def execute(command):\n        return command\n    return execute\n"
    )
    (tool,) = model.of_role(ElementRole.TOOL)
    assert (tool.value("tool-name"), tool.anchor.qualname, tool.value("params")) == (
        "bash",
        "bash.execute",
        ["command"],
    )


def test_tools_by_dispatch(read_one: ReadOne) -> None:
    model = read_one(
        """
class Agent:
    def dispatch(self, name, args):
        return getattr(self, f"tool_{name}")(**args)

    def tool_read(self, path):
        return path

    def tool_delete(self, path):
        os.remove(path)
"""
    )
    assert tools(model) == {"read": ("Agent.tool_read", "dispatch"), "delete": ("Agent.tool_delete", "dispatch")}
    by_name = {e.name: e for e in model.of_role(ElementRole.TOOL)}
    assert by_name["delete"].value("destructive")
    assert by_name["read"].value("destructive") is None
    (registry,) = model.of_role(ElementRole.TOOL_REGISTRY)
    assert registry.value("lookup") == "getattr"
    assert registry.value("handles-miss") is None


def test_tools_by_branches(read_one: ReadOne) -> None:
    model = read_one(
        """
def read_file(path): ...
def list_files(): return []
def read_file(path): return path

def run_tool(name, args):
    if name == "read_file":
        return read_file(**args)
    elif name == "list_files":
        return list_files()
"""
    )
    assert tools(model) == {"read_file": ("read_file", "dispatch"), "list_files": ("list_files", "dispatch")}


@pytest.mark.parametrize(
    ("code", "handled"),
    [
        ("return TOOLS[name](1)", None),
        ("return TOOLS.get(name)(1)", None),
        ("return TOOLS.get(name, fallback)(1)", True),
        ("if name not in TOOLS:\n        return 'no such tool'\n    return TOOLS[name](1)", True),
        ("try:\n        return TOOLS[name](1)\n    except KeyError:\n        return 'no'", True),
        ("tool = TOOLS.get(name)\n    if tool is None:\n        return 'no'\n    return tool(1)", True),
    ],
)
def test_a_lookup_that_misses(read_one: ReadOne, code: str, handled: bool | None) -> None:
    model = read_one(f"def f(name):\n    {code}\n")
    (lookup,) = model.of_role(ElementRole.TOOL_REGISTRY)
    assert lookup.value("handles-miss") is handled


def test_a_screen_that_answers_keys_has_no_tools(read_one: ReadOne) -> None:
    model = read_one(
        "class Viewer(App):\n    def press(self, key):\n        getattr(self, f'action_{key}')()\n\n"
        "    def action_quit(self):\n        return 1\n"
    )
    assert not tools(model)


# --- agent loops ---------------------------------------------------------------------------------------------------

MODEL = """
class Model:
    def query(self, messages):
        return client.chat.completions.create(messages=messages)
"""


def loops(model: HarnessModel) -> list[tuple[str, int, object]]:
    """Agent loops: function, line, and what bounds them."""
    return [
        (e.anchor.qualname, e.anchor.start_line, e.value("bounded-by")) for e in model.of_role(ElementRole.AGENT_LOOP)
    ]


def test_the_model_is_asked_four_calls_away(read: Reader) -> None:
    model = read(
        {
            "core/model.py": MODEL,
            "core/agent.py": """
from .model import Model

class Agent:
    def __init__(self):
        self.model = Model()
        self.messages = []

    def run(self):
        while not self.done:
            self.step()

    def step(self):
        self.one()

    def one(self):
        self.messages.append(self.two())

    def two(self):
        return self.model.query(self.messages)
""",
        }
    )
    assert loops(model) == [("Agent.run", 10, [])]


_UNTIL_SET = """while self.result is None:
        if len(self.steps) >= self.max_steps:
            {} = "too many"
        else:
            self.step()"""
_TRIED_AGAIN = """while True:
        with self.span():
            try:
                self.step()
                break
            except ValueError as error:
                asked = self.hooks.failed(error)
                if {}:
                    continue
                raise"""


@pytest.mark.parametrize(
    ("body", "bounds"),
    [
        ("for step in range(10):\n        self.step()", ["range"]),
        ("while self.n < self.max_steps:\n        self.step()", ["condition"]),
        ("while True:\n        if self.steps >= self.limit:\n            break\n        self.step()", ["counter-exit"]),
        ("while True:\n        self.step()", []),
        ("while True:\n        self.check_limit()\n        self.step()", ["limit-exit"]),
        (_TRIED_AGAIN.format("asked.retry"), ["retry-exit"]),
        (_UNTIL_SET.format("self.result"), ["counter-exit"]),
        (_UNTIL_SET.format("self.warning"), []),
        (_TRIED_AGAIN.format("error.retryable"), []),
    ],
)
def test_what_bounds_a_loop(read_one: ReadOne, body: str, bounds: list[str]) -> None:
    model = read_one(
        MODEL
        + f"""
class Agent:
  def run(self):
    {body}

  def step(self):
    self.messages.append(self.model.query(self.messages))
"""
    )
    ((_, _, found),) = loops(model)
    assert found == bounds
    (element,) = model.of_role(ElementRole.AGENT_LOOP)
    assert (element.value("unbounded") is True) is (not bounds)


def test_a_limit_in_a_called_function_bounds_the_loop(read_one: ReadOne) -> None:
    model = read_one(
        MODEL
        + """
class Agent:
    def run(self):
        while True:
            try:
                self.step()
            except LimitReached:
                return

    def step(self):
        if self.n_calls >= self.step_limit:
            raise LimitReached()
        self.messages.append(self.model.query(self.messages))
"""
    )
    ((_, _, bounds),) = loops(model)
    assert bounds == ["limit-exit", "exception-exit"]


_MANAGERS = """
class Manager:
    def run(self, messages, tools):
        return self.current_model.run(ASKED)

class Report:
    def run(self, page):
        return page

class Search:
    def run(self, page):
        return page
"""


@pytest.mark.parametrize(("asked", "loops_found"), [("messages, tools", ["Agent.run"]), ("tools", [])])
def test_a_model_that_is_known_by_its_name_alone_is_asked_where_it_is_handed_a_conversation(
    read_one: ReadOne, asked: str, loops_found: list[str]
) -> None:
    agent = """
class Agent:
    def __init__(self):
        self.models = Manager()

    def run(self, messages, tools):
        while True:
            reply = self.models.run(messages, tools)
            messages.append(reply)
            if not reply.calls:
                return reply
"""
    model = read_one(_MANAGERS.replace("ASKED", asked) + agent)
    assert [name for name, _, _ in loops(model)] == loops_found


@pytest.mark.parametrize(
    ("test", "loops_found"),
    [
        ("reply.tool_calls", ["solve"]),
        ("any(message.tool_call for message in replies)", ["solve"]),
        ("any(message.tool_call for message in before)", []),
        ("any(message.text for message in replies)", []),
    ],
)
def test_a_loop_that_goes_on_while_replies_call_tools_is_one_whoever_is_asked(
    read_one: ReadOne, test: str, loops_found: list[str]
) -> None:
    model = read_one(
        f"""
def solve(start, before, max_steps):
    while before.steps < max_steps:
        replies = start(component=before)
        reply = replies[0]
        before.append(reply)
        if not ({test}):
            return reply
"""
    )
    assert [name for name, _, _ in loops(model)] == loops_found


@pytest.mark.parametrize(
    "body",
    [
        "for task in tasks:\n        agent.solve(task)",
        "for attempt in range(3):\n        try:\n            return model.query(messages)\n"
        "        except Exception:\n            time.sleep(1)",
        "for chunk in model.query(messages):\n        print(chunk)",
        "while not queue.empty():\n        handle(queue.get())",
        "while True:\n        line = input()\n        print(model.query(line))",
    ],
)
def test_other_loops_are_no_agent_loops(read_one: ReadOne, body: str) -> None:
    solve = (
        "class Agent:\n  def solve(self, task):\n    while True:\n"
        "        self.messages.append(self.model.query(task))\n"
    )
    model = read_one(f"{MODEL}\n{solve}\ndef main(tasks, agent, model, messages, queue):\n    {body}\n")
    assert [name for name, _, _ in loops(model)] == ["Agent.solve"]


def test_a_script_without_functions(read_one: ReadOne) -> None:
    model = read_one(
        "messages = []\nwhile True:\n    reply = client.messages.create(model='m', messages=messages)\n"
        "    messages.append(reply)\n"
    )
    assert loops(model) == [("<module>", 2, [])]
    (call,) = model.of_role(ElementRole.MODEL_CALL)
    assert (call.anchor.qualname, call.value("sdk")) == ("<module>", "client.messages.create")


# --- model calls ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def f(messages):\n    return litellm.completion(messages=messages)", ["f"]),
        ("def f(m):\n    return client.responses.create(input=m)", ["f"]),
        ("def f(m):\n    return requests.post(url, json={'model': 'x', 'messages': m})", ["f"]),
        ("def f(m):\n    return httpx.post(base + '/chat/completions', content=m)", ["f"]),
        (
            "class Fake:\n    def query(self, messages):\n        return {'role': 'assistant', 'content': 'x'}",
            ["Fake.query"],
        ),
        (
            "class ScriptedModel:\n    def __call__(self, messages):\n        return self.replies.pop(0)",
            ["ScriptedModel.__call__"],
        ),
        ("def call_llm(prompt):\n    return transport(prompt)", ["call_llm"]),
        ("class Model(Protocol):\n    def query(self, messages): ...", []),
        ("class Repository:\n    def query(self, text):\n        return self.rows(text)", []),
        ("def count_tokens(messages):\n    return client.messages.create(messages=messages)", []),
        ("class TwilioGateway:\n    def send(self, body):\n        return self.client.messages.create(body=body)", []),
    ],
)
def test_model_calls(read_one: ReadOne, code: str, found: list[str]) -> None:
    model = read_one(f"import litellm, requests, httpx\n{code}\n")
    assert [e.anchor.qualname for e in model.of_role(ElementRole.MODEL_CALL)] == found


def test_what_a_caller_reads_of_the_reply_counts_for_the_call(read_one: ReadOne) -> None:
    model = read_one(
        """
class Model:
    def _query(self, messages):
        return self.client.chat.completions.create(messages=messages)

    def query(self, messages):
        response = self._query(messages)
        if response.choices[0].finish_reason == "length":
            raise CutOff
        return response.choices[0].message
"""
    )
    inner, outer = model.of_role(ElementRole.MODEL_CALL)
    assert inner.value("reads-finish-reason") is True
    assert outer.value("reads-finish-reason") is True
    assert outer.value("guards-empty-choices") is None


# --- calls ---------------------------------------------------------------------------------------------------------


def resolved(model: HarnessModel) -> dict[str, str]:
    """Callee as written to what it leads to."""
    return {call.callee: call.resolved for call in model.calls}


def test_calls_through_imports_reexports_and_bases(read: Reader) -> None:
    model = read(
        {
            "pkg/__init__.py": "from .core import helper as public\n",
            "pkg/core.py": "def helper():\n    return 1\n\nclass Base:\n    def go(self):\n        return 1\n",
            "pkg/use.py": """
import pkg
from pkg import public
from .core import Base

class Child(Base):
    def go(self):
        return super().go()

    def run(self):
        self.go()
        public()
        pkg.core.helper()

def main():
    child = Child()
    child.run()
""",
        }
    )
    found = resolved(model)
    assert found["super().go"] == "pkg/core.py:Base.go"
    assert found["self.go"] == "pkg/use.py:Child.go"
    assert found["pkg.public"] == "pkg/core.py:helper"
    assert found["pkg.core.helper"] == "pkg/core.py:helper"
    assert found["child.run"] == "pkg/use.py:Child.run"


def test_a_duck_type_meets_a_protocol(read_one: ReadOne) -> None:
    model = read_one(
        """
class Env(Protocol):
    def execute(self, command): ...

class Local:
    def execute(self, command):
        return command

class Agent:
    def __init__(self, env: Env):
        self.env = env

    def step(self):
        return self.env.execute("ls")
"""
    )
    assert resolved(model)["self.env.execute"] == "agent.py:Local.execute"


def test_imports_that_lead_in_circles_end(read: Reader) -> None:
    model = read(
        {
            "a.py": "from b import x\nfrom a import a\nfrom . import a as again\nx()\na.a.a()\nagain.again()\n",
            "b.py": "from a import x\n",
        }
    )
    assert {call.resolved for call in model.calls} == {""}


def test_ambiguous_names_stay_open(read_one: ReadOne) -> None:
    model = read_one(
        "class A:\n    def go_now(self):\n        pass\nclass B:\n    def go_now(self):\n        pass\n"
        "def f(thing):\n    thing.go_now()\n"
    )
    assert resolved(model)["thing.go_now"] == ""


def test_a_method_of_a_model_is_not_taken_for_its_only_namesake(read_one: ReadOne) -> None:
    model = read_one(
        "class MessageFactory:\n"
        "    def create(self, kind):\n"
        "        return kind()\n"
        "async def work(model_client, messages, tools):\n"
        "    for round_number in range(5):\n"
        "        reply = await model_client.create(messages)\n"
        "        messages.append(await tools[reply.name](**reply.arguments))\n"
    )
    (loop,) = model.of_role(ElementRole.AGENT_LOOP)
    assert loop.anchor.qualname == "work"
    assert {call.resolved for call in model.calls if call.callee == "model_client.create"} == {""}


def test_an_attribute_that_asks_when_it_is_called_or_handed_on(read_one: ReadOne) -> None:
    model = read_one(
        "import dspy\n"
        "class Hops(dspy.Module):\n"
        "    def __init__(self):\n"
        "        self.search = dspy.ChainOfThought('context, question -> query')\n"
        "        self.count = len\n"
        "    def forward(self, question):\n"
        "        for hop in range(3):\n"
        "            query = self.shortened(self.search, question)\n"
        "            self.run_tool(query)\n"
        "    def other(self, question):\n"
        "        for step in range(3):\n"
        "            self.run_tool(self.shortened(self.count, question))\n"
        "    async def later(self, question):\n"
        "        for hop in range(3):\n"
        "            query = await self.shortened_later(self.search, question)\n"
        "            self.run_tool(query)\n"
        "    def shortened(self, module, question):\n"
        "        return module(question=question[-100:])\n"
        "    async def shortened_later(self, module, question):\n"
        "        return await module.acall(question=question[-100:])\n"
        "    def run_tool(self, query):\n"
        "        return query\n"
    )
    loops = [loop.anchor.qualname for loop in model.of_role(ElementRole.AGENT_LOOP)]
    assert loops == ["Hops.forward", "Hops.later"]


def test_a_loop_that_goes_on_while_replies_call_tools(read_one: ReadOne) -> None:
    turn = (
        "async def turn(context, event):\n"
        "    message = await context.send(event)\n"
        "    while True:\n"
        "        if message.tool_calls:\n"
        "            {again} = await context.send(message.tool_calls)\n"
        "            continue\n"
        "        return message\n"
    )
    (loop,) = read_one(turn.format(again="message")).of_role(ElementRole.AGENT_LOOP)
    assert loop.value("unbounded") is True
    assert not list(read_one(turn.format(again="other")).of_role(ElementRole.AGENT_LOOP))


GRAPH = """
class Graph:
    def tick(self):
        {limit}
        self.tasks = self.prepare()
        return bool(self.tasks)

    def stream(self):
        with Graph() as graph:
            while {condition}:
                for {item} in runner.run(graph.{items}):
                    yield {item}
"""


@pytest.mark.parametrize(
    ("limit", "bounds"),
    [
        ("if self.step > self.stop:\n            return False", ["condition"]),
        ("if self.broken:\n            return False", []),
        ("if self.step > self.stop:\n            log.warning('many')", []),
    ],
)
def test_a_loop_that_steps_a_graph_and_runs_what_is_due(read_one: ReadOne, limit: str, bounds: list[str]) -> None:
    code = GRAPH.format(limit=limit, condition="graph.tick()", item="task", items="tasks")
    (loop,) = read_one(code).of_role(ElementRole.AGENT_LOOP)
    assert (loop.anchor.qualname, loop.value("bounded-by")) == ("Graph.stream", bounds)
    assert (loop.value("unbounded") is True) is (not bounds)


@pytest.mark.parametrize(
    ("condition", "item", "items"),
    [("graph.tick()", "frame", "frames"), ("graph.running()", "task", "tasks"), ("graph.tick() > 3", "task", "tasks")],
)
def test_other_loops_that_step_something(read_one: ReadOne, condition: str, item: str, items: str) -> None:
    code = GRAPH.format(limit="pass", condition=condition, item=item, items=items)
    assert not list(read_one(code).of_role(ElementRole.AGENT_LOOP))


@pytest.mark.parametrize(
    ("name", "call", "asks"),
    [
        ("call_model", "chat_model.invoke(state)", True),
        ("acall_model", "await self.llm.ainvoke(state)", True),
        ("call_model", "database.invoke(state)", False),
        ("save", "chat_model.invoke(state)", False),
        ("call_model", "model.create(state)", False),
    ],
)
def test_a_function_that_asks_a_model_it_holds(read_one: ReadOne, name: str, call: str, asks: bool) -> None:
    found = read_one(f"async def {name}(state):\n    return {{'messages': [{call}]}}\n").of_role(ElementRole.MODEL_CALL)
    assert [element.value("recognised-by") for element in found] == (["name and call"] if asks else [])


def test_hooks_run_in_the_order_in_which_they_are_registered(read: Reader) -> None:
    agent = (
        "class Agent:\n"
        "    def __init__(self):\n"
        "        self.hooks = []\n"
        "    def add_hook(self, hook):\n"
        "        self.hooks.append(hook)\n"
        "    def step(self, reply):\n"
        "        for hook in self.hooks:\n"
        "            hook(reply)\n"
    )
    main = "from agent import Agent\nagent = Agent()\nagent.add_hook(redact)\nagent.add_hook(log.write)\n"
    (hook,) = read({"agent.py": agent, "main.py": main}).of_role(ElementRole.HOOK)
    order = hook.fact("in-order")
    assert order is not None
    assert (order.value, order.evidence) == (["redact", "log.write"], Evidence.DERIVED)
    (hook,) = read({"other.py": "def more(agent):\n    agent.hooks.append(audit)\n"}).of_role(ElementRole.HOOK)
    assert (order := hook.fact("in-order")) is not None
    assert order.evidence is Evidence.HEURISTIC


def test_a_method_with_overloads_is_one_method(read: Reader) -> None:
    model = read(
        {
            "graph.py": """
from typing import overload

class Graph:
    @overload
    def add_vertex(self, name: str) -> None: ...
    @overload
    def add_vertex(self, name: int) -> None: ...
    def add_vertex(self, name):
        self.names.append(name)
""",
            "build.py": "def build(graph):\n    graph.add_vertex('a')\n",
        }
    )
    assert [call.resolved for call in model.calls_of("build.py:build")] == ["graph.py:Graph.add_vertex"]

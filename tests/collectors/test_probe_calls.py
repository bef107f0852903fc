"""Models and tools that are no functions of the harness are recorded where they are called."""

from collections.abc import Callable
from typing import Any

Play = Callable[..., Any]

CLIENT = '''
"""Stands for an installed client: not part of the harness."""
import asyncio

class Record:
    def __init__(self, **fields):
        self.__dict__.update(fields)

class Completions:
    def __init__(self, replies):
        self.replies = list(replies)

    def create(self, *, model, messages, **more):
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        message = Record(role="assistant", content=reply, tool_calls=None)
        usage = Record(prompt_tokens=7, completion_tokens=1)
        return Record(choices=[Record(message=message, finish_reason="length")], usage=usage)

class AsyncCompletions(Completions):
    async def create(self, **given):
        await asyncio.sleep(0)
        return super().create(**given)

class OpenAI:
    def __init__(self, *replies, kind=Completions):
        self.chat = Record(completions=kind(replies))

class SearchTool:
    name = "search"

    def __call__(self, query):
        if query == "fail":
            raise LookupError("nothing found")
        return "found " + query
'''

AGENT = '''
import asyncio, sys, traceback
sys.path.insert(0, "lib")
from openai import AsyncCompletions, OpenAI, SearchTool

client = OpenAI("use a", "use fail", "use unknown", "done", "extra")
TOOLS = {"a": lambda query: query * 3, "fail": SearchTool()}

def run(task):
    messages = [{"role": "user", "content": task}]
    while True:
        reply = client.chat.completions.create(model="m", messages=messages,
                                               temperature=0).choices[0].message.content
        messages.append({"role": "assistant", "content": reply})
        if reply == "done":
            return reply
        name = reply[4:]
        try:
            result = TOOLS[name](name)
        except (KeyError, LookupError) as error:
            result = repr(error)
        messages.append({"role": "user", "content": result})

async def arun(task, client):
    messages = [{"role": "user", "content": task}]
    for _ in range(3):
        response = await client.chat.completions.create(model="m", messages=messages)
        messages.append({"role": "assistant", "content": response.choices[0].message.content})
        if "2" in messages[-1]["content"]:
            break
    return locals()["messages"][-1]["content"]

class Wrapper:
    """A model class: it keeps the text and drops the rest."""

    def __init__(self, client):
        self.client = client

    def complete(self, messages):
        for attempt in range(3):
            try:
                response = self.client.chat.completions.create(model="m", messages=messages)
                return response.choices[0].message.content
            except ConnectionError:
                continue

class Agent:
    def __init__(self, model, tool):
        self.model = model
        self.tool = tool

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        while True:
            reply = self.model.complete(messages)
            messages.append({"role": "assistant", "content": reply})
            if reply.startswith("search"):
                messages.append({"role": "user", "content": self.tool(reply[7:])})
                continue
            return reply

def indexes(client):
    answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}]).choices[1].message
    return answer

print(run("sync"))
print(asyncio.run(arun("async", OpenAI("1", "2", kind=AsyncCompletions))))
print(Agent(Wrapper(OpenAI(ConnectionError("busy"), "search x", "end")), SearchTool()).run("wrapped"))
try:
    indexes(OpenAI("y"))
except IndexError:
    print(traceback.format_exc())
answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "module"}])
print(answer.choices[0].message.content, [name for name in globals() if "@" in name])
OpenAI(ValueError("uncaught")).chat.completions.create(model="m", messages=[])
'''
FILES = {"agent.py": AGENT, "lib/openai.py": CLIENT}


def test_calls_are_steps(play: Play, python: str) -> None:
    played = play(python, FILES, include=(), harness="agent.py")
    played.assert_same()
    told = [
        (step.kind.value, step.name, step.status.value, step.finish_reason or "")
        for run in played.runs
        for step in run.steps
        if step.kind != "error"
    ]
    create = "client.chat.completions.create"
    ask = ("model_call", create, "ok", "length")
    assert told == [
        ("task", "run", "ok", ""),
        ask,
        ("tool_call", "<lambda>", "ok", ""),
        ask,
        ("tool_call", "search", "error", ""),
        ask,
        ask,
        *told[7:],
    ]
    assert told[7:] == [
        # A function that looks at its own local names.
        ("task", "arun", "ok", ""),
        ask,
        ask,
        ("task", "Agent.run", "ok", ""),
        ("model_call", "Wrapper.complete", "ok", "length"),
        ("lifecycle", f"self.{create}", "error", ""),
        ("lifecycle", f"self.{create}", "ok", "length"),
        ("tool_call", "search", "ok", ""),
        ("model_call", "Wrapper.complete", "ok", "length"),
        ("lifecycle", f"self.{create}", "ok", "length"),
        ("model_call", "indexes", "error", "length"),
        ("lifecycle", create, "ok", "length"),
        ask,
        ("model_call", create.replace("client", "openai.OpenAI()"), "error", ""),
    ]


def test_a_call_is_told_whole(play: Play, python: str) -> None:
    played = play(python, FILES, include=(), harness="agent.py", both=False)
    run = played.runs[0]
    ask = next(step for step in run.steps if step.kind == "model_call")
    assert [(part.role, run.texts[part.text]) for part in ask.input] == [("user", "sync")]
    assert [(part.role, run.texts[part.text]) for part in ask.output] == [("assistant", "use a")]
    assert ask.attributes["arguments"] == {"model": "m", "temperature": 0}
    assert (ask.usage.input_tokens, ask.usage.output_tokens) == (7, 1)
    assert (ask.anchors[0].qualname, ask.anchors[0].kind) == ("run", "call")
    assert ask.attributes["called_from"][0][:2] == ["agent.py", "run"]
    failed = next(step for step in run.steps if step.kind == "tool_call" and step.status == "error")
    assert (failed.error.type, failed.error.message) == ("LookupError", "nothing found")
    caught = [step for step in run.steps if step.name == "except KeyError"]
    assert len(caught) == 1


def test_tools_that_a_framework_runs_are_steps_under_their_own_names(play: Play, python: str) -> None:
    framework = """
        class FunctionTool:
            def __init__(self, function):
                self.name, self._function = function.__name__, function

            def run_json(self, arguments):
                return self.run(arguments)

            def run(self, arguments):
                return self._function(**arguments)
        """
    program = """
        from framework import FunctionTool

        def weather(city):
            raise ValueError("station offline")

        try:
            FunctionTool(weather).run_json({"city": "Rome"})
        except ValueError as error:
            print(error)
        """
    played = play(python, {"agent.py": program, "framework/__init__.py": framework}, include=(), harness="framework")
    played.assert_same()
    tools = [step for step in played.steps if step.kind.value == "tool_call"]
    assert [(tool.name, tool.error.type) for tool in tools] == [("weather", "ValueError")]
    inner = next(step for step in played.steps if step.name == "weather" and step.kind.value == "lifecycle")
    assert played.above(inner) == ["weather"]


def test_what_is_optional_and_not_installed_is_no_failure(play: Play, python: str) -> None:
    program = """
        try:
            import surely_not_installed
        except ImportError:
            surely_not_installed = None

        def tool():
            try:
                import surely_not_installed_either
            except ImportError:
                return "needs surely_not_installed_either"

        tool()
        """
    played = play(python, program)
    played.assert_same()
    assert [step.name for step in played.steps] == [
        "tool",
        "raise ModuleNotFoundError",
        "except ModuleNotFoundError",
    ]

"""What a call changes that is not its own, and what it leaves running."""

from collections.abc import Callable
from typing import Any

Play = Callable[..., Any]

LEAKY = """
import os

LIMITS = {"steps": 5}
CACHE = []

class Agent:
    seen = []

    def __init__(self, client, config):
        self.client, self.config, self.history = client, config, []

    def remember(self, text, into=[]):
        into.append(text)
        return into

    def run(self, task, options):
        self.history.append({"role": "user", "content": task})
        for step in range(2):
            reply = self.client.chat.completions.create(model="m", messages=self.history)
            text = reply["choices"][0]["message"]["content"]
            self.history.append({"role": "assistant", "content": text})
            if "done" in text:
                break
        options["tools"]["shell"]["timeout"] = 1
        LIMITS["steps"] -= 1
        self.seen.append(task)
        self.remember(task)
        os.environ["AGENT_RAN"] = "1"
        os.chdir("/")
        return text

class Client:
    @property
    def chat(self):
        return self
    completions = chat
    def create(self, model, messages):
        return {"choices": [{"message": {"role": "assistant", "content": "done"}}]}

options = {"tools": {"shell": {"timeout": 30}, "web": {}}, "name": "x"}
agent = Agent(Client(), {"a": 1})
agent.run("first", options)
options["tools"]["shell"]["timeout"] = 30
agent.run("second", options)
"""


def events(step: Any, name: str) -> list[dict[str, Any]]:
    return [event.attributes for event in step.events if event.name == name]


def test_what_a_run_changes_for_the_next_one(play: Play, python: str) -> None:
    played = play(python, LEAKY)
    played.assert_same()
    first, second = (step for run in played.runs for step in run.steps if step.kind.value == "task")
    assert events(first, "argument_changed") == [
        {"name": "options", "how": "changed", "paths": ["tools.shell.timeout"], "more": 0}
    ]
    assert [told["name"] for told in events(first, "field_changed")] == ["self.history"]
    changed = {(told["kind"], told["what"], told["before"], told["after"]) for told in events(first, "setting_changed")}
    assert changed == {
        ("global", "__main__.LIMITS", 1, 1),
        ("attribute", "__main__.Agent.seen", 0, 1),
        ("default", "__main__.Agent.remember.into", 0, 1),
        ("global", "__main__.options", 2, 2),
    }
    assert {told["path"] for told in events(first, "setting_changed")} == {"agent.py"}
    assert events(first, "environment_changed") == [{"added": ["AGENT_RAN"], "removed": [], "changed": []}]
    assert [told["after"] for told in events(first, "folder_changed")] == ["/"]
    assert events(second, "environment_changed") == events(second, "folder_changed") == []
    before, after = first.attributes["fields"], second.attributes["fields"]
    assert {name for name in before if before[name] != after[name]} == {"history"}


SOUND = """
import os

PROMPTS = {"system": "be brief"}

class Agent:
    def __init__(self, client):
        self.client = client

    def run(self, task, options, extra=()):
        history = [{"role": "user", "content": task}]
        options = dict(options, steps=1)
        for step in range(2):
            reply = self.client.create(model="m", messages=history)
            history.append(reply)
            if reply["content"]:
                break
        return reply

class Client:
    def create(self, model, messages):
        return {"role": "assistant", "content": "done"}

Agent(Client()).run("task", {"steps": 9})
"""


def test_a_sound_run_changes_nothing(play: Play, python: str) -> None:
    played = play(python, SOUND)
    played.assert_same()
    names = {event.name for step in played.steps for event in step.events}
    assert not names & {"argument_changed", "field_changed", "setting_changed", "environment_changed", "folder_changed"}


def test_a_history_that_grows_is_told_as_appended(play: Play, python: str) -> None:
    program = """
        def step(messages, note):
            messages.append({"role": "assistant", "content": "x"})
            messages.append({"role": "user", "content": note})

        history = [{"role": "user", "content": "go"}]
        step(history, "a")
        step(history, "b")
        """
    played = play(python, program)
    told = [events(step, "argument_changed") for step in played.steps if step.name == "step"]
    assert told == [[{"name": "messages", "how": "appended", "items": 2}]] * 2


LEFT = """
import asyncio, threading, time

async def background():
    await asyncio.sleep(30)

async def short():
    await asyncio.sleep(0)

async def forget():
    asyncio.create_task(background(), name="forgotten")
    await asyncio.sleep(0)

async def keep():
    task = asyncio.create_task(short())
    await task
    stopped = asyncio.create_task(background())
    await asyncio.sleep(0)
    stopped.cancel()

async def on_loop():
    return await asyncio.to_thread(len, "x")

stop = threading.Event()

def leave_thread():
    threading.Thread(target=stop.wait, name="watcher", daemon=True).start()

def join_thread():
    thread = threading.Thread(target=time.sleep, args=(0.01,))
    thread.start()
    thread.join()

async def main():
    await keep()
    await on_loop()
    await forget()

asyncio.run(main())
leave_thread()
join_thread()
stop.set()
"""


def test_tasks_and_threads_that_go_on_are_told(play: Play, python: str) -> None:
    played = play(python, LEFT, include=("*",))
    played.assert_same()
    assert events(played.step("leave_thread"), "threads_alive") == [{"names": ["watcher"], "daemons": 1}]
    for name in ("join_thread", "keep", "on_loop"):
        assert not events(played.step(name), "threads_alive")


TOOLS = """
import asyncio

async def background():
    await asyncio.sleep(30)

def tool(function):
    return function

@tool
async def forget(what: str) -> str:
    "Start something and forget it."
    asyncio.create_task(background(), name="forgotten")
    await asyncio.sleep(0)
    return what

@tool
async def tidy(what: str) -> str:
    "Start something and end it."
    task = asyncio.create_task(background())
    await asyncio.sleep(0)
    task.cancel()
    return what

async def main():
    await tidy("a")
    await forget("b")

asyncio.run(main())
"""


def test_an_asyncio_task_that_outlives_its_tool_is_told(play: Play, python: str) -> None:
    played = play(python, TOOLS, include=())
    played.assert_same()
    assert played.step("forget").kind.value == "tool_call"
    assert events(played.step("forget"), "tasks_alive") == [{"names": ["forgotten"], "functions": ["background"]}]
    assert not events(played.step("tidy"), "tasks_alive")


BESIDE = """
async def main():
    other = asyncio.create_task(asyncio.sleep(60), name="other")
    try:
        await failing("b")
    except ValueError:
        pass
    other.cancel()

asyncio.run(main())
"""


def test_a_task_that_outlives_its_tool_is_told_though_others_run_beside_it(play: Play, python: str) -> None:
    failing = """
@tool
async def failing(what: str) -> str:
    "Start something and fail."
    asyncio.create_task(background(), name="left")
    await asyncio.sleep(0)
    raise ValueError(what)
"""
    tools, _, _ = TOOLS.partition("async def main")
    played = play(python, tools + failing + BESIDE, include=())
    played.assert_same()
    assert events(played.step("failing"), "tasks_alive") == [{"names": ["left"], "functions": ["background"]}]


TWICE = """
class Agent:
    def __init__(self, client):
        self.client, self.turns, self.spent, self.failed = client, 0, 0.0, None
        self.history, self.notes, self.task = [], [], None

    def run(self, task):
        BEGIN
        return self.loop()

    def loop(self):
        for _ in range(2):
            self.turns += 1
            self.history.append({"role": "user", "content": self.task})
            reply = self.client.chat.completions.create(model="m", messages=self.history)
            self.spent += 0.5
            self.notes.append("x")
            self.failed = False
        return "done"

class Client:
    @property
    def chat(self):
        return self
    completions = chat
    def create(self, model, messages):
        return {"choices": [{"message": {"role": "assistant", "content": "done"}}]}
"""


def kept(play: Play, python: str, begin: str, use: str) -> list[dict[str, tuple[object, object]]]:
    """For each run of the agent, the fields that it kept: what they held first, and now."""
    played = play(python, TWICE.replace("BEGIN", begin) + use)
    played.assert_same()
    loops = [step for step in played.steps if step.name.endswith("loop") and step.kind.value in ("task", "lifecycle")]
    return [{t["name"]: (t["first"], t["now"]) for t in events(step, "field_kept")} for step in loops]


AGAIN = "agent = Agent(Client())\nagent.run('first')\nagent.run('second')\n"


def test_what_nobody_sets_back_between_two_runs_is_kept(play: Play, python: str) -> None:
    assert kept(play, python, "self.task = task", AGAIN) == [
        {},
        {
            "turns": (0, 2),
            "spent": ("0", "1"),
            "failed": (None, False),
            "history": ("0 items", "2 items"),
            "notes": ("0 items", "2 items"),
        },
    ]


def test_what_is_set_back_is_not_kept(play: Play, python: str) -> None:
    begin = "self.task, self.turns, self.spent, self.failed, self.history = task, 0, 0.0, None, []; self.notes.clear()"
    assert kept(play, python, begin, AGAIN) == [{}, {}]


def test_another_agent_keeps_nothing_of_the_first(play: Play, python: str) -> None:
    use = "Agent(Client()).run('first')\n" * 3
    assert kept(play, python, "self.task = task", use) == [{}, {}, {}]


def test_an_agent_that_ended_in_an_exception_has_ended(play: Play, python: str) -> None:
    use = "agent = Agent(None)\ntry:\n    agent.run('first')\nexcept AttributeError:\n    agent.client = Client()\n"
    first, second = kept(play, python, "self.task = task", use + "agent.run('second')\n")
    assert first == {}
    assert second == {"turns": (0, 1), "history": ("0 items", "1 item")}

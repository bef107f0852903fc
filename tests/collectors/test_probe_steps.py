"""Each step has the right one above it, however calls interleave."""

import itertools
from collections.abc import Callable
from typing import Any

Play = Callable[..., Any]

GENERATORS = """
import contextlib

def leaf(name):
    return name

def numbers(name):
    for i in range(2):
        leaf(f"{name}{i}")
        yield i
    leaf(f"{name} end")

def outer(name):
    yield from numbers(name)
    leaf(f"{name} after")

def catching():
    try:
        yield 1
    except KeyError:
        leaf("in except")
    try:
        yield 2
    finally:
        leaf("in finally")

@contextlib.contextmanager
def manager():
    leaf("enter")
    try:
        yield
    finally:
        leaf("leave")

def managed():
    with manager():
        leaf("inside")

def consumer():
    a, b = numbers("a"), numbers("b")
    next(a), next(b), leaf("between"), next(b), next(a)
    list(a), list(b)

def thrower():
    g = catching()
    next(g)
    g.throw(KeyError())
    g.close()
    leaf("thrown")

def main():
    consumer()
    managed()
    thrower()
    list(outer("c"))
    leaf("last")

main()
"""


def test_generators_keep_their_own_steps(play: Play, python: str) -> None:
    played = play(python, GENERATORS)
    played.assert_same()
    (run,) = played.runs
    above = {run.texts[step.input[0].text]: played.above(step)[0] for step in played.steps if step.name == "leaf"}
    inside = {"a0", "a1", "a end", "b0", "b1", "b end"}
    assert {name for name, up in above.items() if up == "numbers"} >= inside
    assert above["between"] == "consumer"
    assert (above["enter"], above["inside"], above["leave"]) == ("manager", "managed", "manager")
    assert (above["in except"], above["in finally"], above["thrown"]) == ("catching", "catching", "thrower")
    assert (above["c after"], above["last"]) == ("outer", "main")
    assert all(step.ended_ns is not None for step in run.steps)


ASYNC = """
import asyncio, concurrent.futures, threading

def leaf(name):
    return name

async def tool(name, turns):
    for i in range(turns):
        await asyncio.sleep(0)
        leaf(f"{name}-{i}")
    return name

async def stream(name):
    for i in range(2):
        leaf(f"{name}-{i}")
        yield i
        await asyncio.sleep(0)

async def consume(name):
    async for i in stream(name):
        leaf(f"{name} got {i}")

async def agent(name):
    await asyncio.gather(*(tool(f"{name}{i}", 3) for i in range(3)), consume(f"{name} stream"))
    await asyncio.to_thread(leaf, f"{name} in thread")
    task = asyncio.create_task(tool(f"{name} task", 1))
    leaf(f"{name} self")
    await task

def worker(name):
    leaf(name)

def threads():
    thread = threading.Thread(target=worker, args=("plain thread",))
    thread.start()
    thread.join()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(leaf, "pool one")
        first.result()
        second(pool)
    assert not hasattr(thread, "run") or "run" not in vars(thread)

def second(pool):
    list(pool.map(worker, ["pool two"]))

def outside():
    pool = concurrent.futures.ThreadPoolExecutor(1)
    inside(pool)
    pool.submit(worker, "pool outside").result()
    pool.shutdown()

def inside(pool):
    pool.submit(worker, "pool inside").result()

async def main():
    await asyncio.gather(agent("A"), agent("B"))

asyncio.run(main())
threads()
outside()
"""


def test_coroutines_and_threads_do_not_mix(play: Play, python: str) -> None:
    played = play(python, ASYNC)
    played.assert_same()
    (first, *others) = played.runs
    assert not others
    by_id = {step.id: step for step in played.steps}
    for step in played.steps:
        if step.name != "leaf":
            continue
        name = first.texts[step.input[0].text]
        up = by_id[step.parent or ""]
        if "-" in name:
            assert first.texts[up.input[0].text] == name.partition("-")[0], name
        expected = {
            "A self": "agent",
            "A in thread": "agent",
            "A stream got 1": "consume",
            "plain thread": "worker < threads",
            "pool one": "threads",
            "pool two": "worker < second < threads",
            "pool inside": "worker < inside < outside",
            "pool outside": "worker < outside",
        }.get(name)
        if expected is not None:
            assert " < ".join(played.above(step)).startswith(expected), name
    assert played.step("worker").attributes["thread"].startswith("Thread-")


def test_steps_are_in_order_of_time(play: Play, python: str) -> None:
    played = play(python, ASYNC, both=False)
    by_thread: dict[object, list[int]] = {}
    for step in played.steps:
        assert step.started_ns is not None
        by_thread.setdefault(step.attributes.get("thread"), []).append(step.started_ns)
    # Two threads may take the time in one order and write in the other.
    assert all(a <= b for times in by_thread.values() for a, b in itertools.pairwise(times))
    assert [step.id for step in played.steps] == [f"s{n}" for n in range(1, len(played.steps) + 1)]


PROCESSES = {
    "agent.py": """
import asyncio, multiprocessing, os, subprocess, sys
from concurrent.futures import ProcessPoolExecutor
from tools import leaf

def in_child(name):
    leaf(name)
    return os.getpid() != PARENT if False else name

PARENT = os.getpid()

def tool():
    subprocess.run([sys.executable, "child.py"], check=True)

async def async_tool():
    process = await asyncio.create_subprocess_exec(sys.executable, "child.py", "async")
    await process.wait()

def spawned():
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=in_child, args=("spawned",))
    process.start()
    process.join()

def forked():
    process = multiprocessing.get_context("fork").Process(target=in_child, args=("forked",))
    process.start()
    process.join()

def pooled():
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        print(pool.submit(in_child, "pooled").result())

def by_hand():
    child = os.fork()
    if not child:
        leaf("by hand")
        os._exit(0)
    os.waitpid(child, 0)

def replaced():
    child = os.fork()
    if not child:
        os.execv(sys.executable, [sys.executable, "child.py", "replaced"])
    os.waitpid(child, 0)

if __name__ == "__main__":
    tool()
    asyncio.run(async_tool())
    spawned()
    forked()
    pooled()
    by_hand()
    replaced()
""",
    "child.py": """
import sys
from tools import leaf
leaf(sys.argv[1] if len(sys.argv) > 1 else "child")
""",
    "tools.py": """
def leaf(name):
    return name
""",
}


def test_child_processes_are_part_of_the_trace(play: Play, python: str) -> None:
    played = play(python, PROCESSES, options=["-W", "ignore"])
    played.assert_same()
    assert played.code == 0, played.err
    (run,) = played.runs
    above = {run.texts[step.input[0].text]: played.above(step) for step in played.steps if step.name == "leaf"}
    assert above == {
        "child": ["tool"],
        "async": ["async_tool"],
        "spawned": ["in_child", "spawned"],
        "forked": ["in_child", "forked"],
        "pooled": ["in_child", "pooled"],
        "by hand": ["by_hand"],
        "replaced": [],
    }
    assert run.run.attributes["processes"] >= 7
    assert not run.incomplete


NESTED = """
import json

class Model:
    def __init__(self, replies):
        self.replies = list(replies)

    def complete(self, messages):
        return self.replies.pop(0)

class Agent:
    def __init__(self, model, depth=0):
        self.model = model
        self.depth = depth
        self.messages = []

    def run(self, task):
        self.messages.append({"role": "user", "content": task})
        while True:
            reply = self.model.complete(self.messages)
            self.messages.append({"role": "assistant", "content": reply})
            if reply.startswith("delegate"):
                self.messages.append({"role": "user", "content": self.delegate(reply[9:])})
                continue
            return reply

    def delegate(self, task):
        return Agent(self.model, self.depth + 1).run(task)

print(Agent(Model(["delegate a", "delegate b", "deep", "middle", "top"])).run("start"))
"""


def test_an_agent_inside_an_agent_is_a_task_of_its_own(play: Play, python: str) -> None:
    played = play(python, NESTED, include=())
    played.assert_same()
    tasks = [step for step in played.steps if step.kind == "task"]
    assert [played.above(step).count("Agent.run") for step in tasks] == [0, 1, 2]
    assert [step.kind for step in played.steps].count("model_call") == 5
    assert [event.attributes["n"] for step in tasks for event in step.events if event.name == "loop_ended"] == [2, 2, 1]

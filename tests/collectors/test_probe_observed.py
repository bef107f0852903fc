"""Programs that watch themselves, and functions that travel to other processes: probed code is as it was to them."""

from collections.abc import Callable
from typing import Any

import pytest

Play = Callable[..., Any]

HARNESS = '''
import logging, sys, traceback, warnings

def tool(city):
    """The weather."""
    lines = []
    for day in range(2):
        lines.append(f"{city} {day}")
    try:
        raise KeyError(city)
    except KeyError:
        logging.warning("no %s", city)
    warnings.warn("old", stacklevel=2)
    caller = sys._getframe(1)
    return len(lines), caller.f_code.co_name, caller.f_lineno, [f.name for f in traceback.extract_stack(limit=2)]

def run(task):
    for turn in range(2):
        found = tool(task)
        if found:
            break
    return found
'''

MONITORED = """
import logging, sys
logging.basicConfig(format="%(filename)s:%(lineno)d %(funcName)s %(message)s", stream=sys.stdout)
import harness

monitoring = sys.monitoring
monitoring.use_tool_id(3, "mine")
seen = []

def of_harness(code):
    return code.co_filename.endswith("harness.py")

def line(code, number):
    seen.append(("line", code.co_name, number)) if of_harness(code) else None

def other(kind):
    def told(code, offset, value):
        seen.append((kind, code.co_name, repr(value))) if of_harness(code) else None
    return told

E = monitoring.events
monitoring.register_callback(3, E.LINE, line)
monitoring.register_callback(3, E.PY_RETURN, other("return"))
monitoring.register_callback(3, E.RAISE, other("raise"))
monitoring.set_events(3, E.LINE | E.PY_RETURN | E.RAISE)
print(harness.run("Rome"))
monitoring.set_events(3, 0)
for each in seen:
    print(*each)
"""

PROFILED = """
import cProfile, pstats, io, sys, timeit
import harness

profile = cProfile.Profile()
profile.runcall(harness.run, "Rome")
stats = pstats.Stats(profile).stats
print(sorted((name, stat[0]) for (file, line, name), stat in stats.items() if file.endswith("harness.py")))

seen = []
def trace(frame, event, argument):
    if frame.f_code.co_filename.endswith("harness.py"):
        seen.append((event, frame.f_code.co_name))
sys.setprofile(trace)
harness.run("Oslo")
sys.setprofile(None)
print(seen)

lines = []
def trace(frame, event, argument):
    if frame.f_code.co_filename.endswith("harness.py"):
        lines.append((event, frame.f_code.co_name, frame.f_lineno))
        return trace
sys.settrace(trace)
harness.run("Bonn")
sys.settrace(None)
print(lines)
"""


def test_the_programs_own_monitoring_sees_the_same_lines(play: Play, python: str) -> None:
    if "3.11" in python:
        pytest.skip("sys.monitoring came with 3.12")
    played = play(python, {"agent.py": MONITORED, "harness.py": HARNESS}, options=["-Wignore"])
    played.assert_same()
    assert "line tool" in played.out
    assert played.step("tool").ended_ns is not None


def test_profilers_and_tracers_see_the_same_calls_and_lines(play: Play, python: str) -> None:
    played = play(python, {"agent.py": PROFILED, "harness.py": HARNESS}, options=["-Wignore"])
    played.assert_same()
    assert "('tool', 1)" in played.out


POOLS = """
import asyncio, multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

class Model:
    def complete(self, messages):
        return "reply"

def weather_tool(city, days=1):
    return f"{city} {days}"

class Helper:
    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for turn in range(2):
            messages.append({"role": "assistant", "content": Model().complete(messages)})
            if len(messages) > 2:
                break
        return messages[-1]["content"]

async def gather():
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        apart = loop.run_in_executor(pool, partial(weather_tool, "Oslo", days=2))
        return await asyncio.gather(apart, asyncio.to_thread(Helper().run, "threaded"))

def run(task):
    told = []
    for kind in ("forkserver", "fork"):
        with multiprocessing.get_context(kind).Pool(1) as pool:
            told += pool.map(weather_tool, [kind])
    with ThreadPoolExecutor(2) as threads:
        told += threads.map(Helper().run, ["one", "two"])
    told += asyncio.run(gather())
    for turn in range(2):
        if Model().complete([{"role": "user", "content": str(told)}]):
            break
    return told

if __name__ == "__main__":
    print(run("go"))
"""


def test_functions_travel_to_pools_of_every_kind_and_stay_in_one_trace(play: Play, python: str) -> None:
    played = play(python, POOLS, timeout=300)
    played.assert_same()
    (run,) = played.runs
    cities = {run.texts[step.input[0].text] for step in played.steps if step.name == "weather_tool"}
    assert cities == {"forkserver", "fork", "Oslo"}
    assert all(played.above(step)[-1] == "run" for step in played.steps if step.name == "weather_tool")
    helpers = [step for step in played.steps if step.name == "Helper.run"]
    assert len(helpers) == 3
    assert {step.kind.value for step in helpers} == {"task"}
    assert all(played.above(step)[-1] == "run" for step in helpers)

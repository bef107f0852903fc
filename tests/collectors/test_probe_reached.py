"""Which lines of a harness ran: marks at the beginning of every straight stretch of code."""

from collections.abc import Callable
from typing import Any

from harnessfix_ir.reached import Mark, Reached, reached_of

BRANCHES = '''
def choose(value, deep):
    """Docstring."""
    if value:
        kept = 1
    elif deep:
        kept = 2
    else:
        kept = 3
    for item in range(value):
        if item > 5:
            return item
        kept += item
    else:
        kept += 10
    try:
        kept = 1 / deep
    except ZeroDivisionError:
        kept = 0
    finally:
        kept += 1
    def inner():
        return kept
    with open(__file__) as file:
        if deep:
            return file
    return kept


def never():
    return 1


def query_model(client, messages):
    return client.chat.completions.create(messages=messages)


print(choose(2, 0))
'''


def test_lines_that_ran(play: Callable[..., Any], python: str) -> None:
    (run,) = play(python, BRANCHES).runs
    reached = run.reached["agent.py"]
    lines = BRANCHES.split("\n")
    ran = {line.strip() for number, line in enumerate(lines, 1) if reached.ran(number)}
    assert {"kept = 1", "kept += item", "kept += 10", "kept = 0", "kept += 1", "return kept"} <= ran
    assert not ran & {"kept = 2", "return item", "return file", "return 1"}
    assert reached.entered(2, 28)
    assert not reached.entered(30, 32)


def test_a_kill_loses_nothing(play: Callable[..., Any], python: str) -> None:
    killed = BRANCHES + "import os; os.kill(os.getpid(), 9)\n"
    (run,) = play(python, killed, both=False).runs
    assert run.reached["agent.py"].ran(BRANCHES.split("\n").index("        kept = 1") + 1)


def test_nearest_mark_decides() -> None:
    reached = reached_of({10: Mark.RAN, 14: Mark.MISSED, 20: Mark.IMPORTED})
    assert [reached.ran(line) for line in (9, 10, 13, 14, 19, 20, 99)] == [False, True, True, False, False, True, True]
    assert not Reached().ran(5)


USED = """
def register(name):
    return name


def again(name):
    return name


def count(names):
    return len(names)


TOOLS = [register("a"), again("b")]
"""
USER = """
from registry import TOOLS, again, count


def query_model(client, messages):
    return client.chat.completions.create(messages=messages)


def late():
    import stopping
    return stopping.told()


try:
    import broken
except ZeroDivisionError:
    pass
again(count(TOOLS))
late()
"""
BROKEN = """
def fails():
    return 1 / 0


fails()
"""
STOPPING = """
import registry


def while_imported():
    return registry.count([])


def told():
    return 1


while_imported()
"""


def test_what_only_imports_ran_is_set_apart(play: Callable[..., Any], python: str) -> None:
    modules = {"registry.py": USED, "broken.py": BROKEN, "stopping.py": STOPPING}
    (run,) = play(python, {"agent.py": USER, **modules}).runs
    said = {
        path: {text.split("\n")[line - 1].strip() for line in run.reached[path].imported}
        for path, text in modules.items()
    }
    assert said["registry.py"] == {"return name"}  # of `register`; the other one ran again
    assert len(run.reached["registry.py"].imported) == 1
    assert said["stopping.py"] == {"return registry.count([])"}  # `count` had run before
    assert set(run.reached["registry.py"].imported) < set(run.reached["registry.py"].hit)
    assert not run.reached["agent.py"].imported  # nobody imports the program


TASK = """
class Completions:
    def create(self, messages):
        return messages


class Client:
    chat = type("Chat", (), {"completions": Completions()})


def query_model(client, messages):
    return client.chat.completions.create(messages=messages)


query_model(Client(), ["hello"])
"""


THREADS = """
import threading


def query_model(client, messages):
    return client.chat.completions.create(messages=messages)


def load(name):
    __import__(name)


threads = [threading.Thread(target=load, args=(name,)) for name in ("left", "right") * 4]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
SLOW = """
import time

import shared


def while_imported():
    time.sleep(0.01)
    return shared.used()


for _ in range(20):
    while_imported()
"""


def test_threads_that_import_at_the_same_time_do_no_harm(play: Callable[..., Any], python: str) -> None:
    files = {"agent.py": THREADS, "left.py": SLOW, "right.py": SLOW, "shared.py": "def used():\n    return 1\n"}
    (run,) = play(python, files).runs
    assert not [words for words in run.incomplete if "imported" in words]
    assert run.reached["left.py"].imported == run.reached["left.py"].hit
    assert run.reached["right.py"].hit


def test_an_import_that_asks_a_model_is_the_program(play: Callable[..., Any], python: str) -> None:
    (run,) = play(python, {"agent.py": "import task\n", "task.py": TASK}).runs
    assert run.reached["task.py"].hit
    assert not run.reached["task.py"].imported

"""Which lines of a harness ran: marks at the beginning of every straight stretch of code."""

from collections.abc import Callable
from typing import Any

from harnessfix_ir.reached import Reached, reached_of

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
    reached = reached_of({10: True, 14: False, 20: True})
    assert [reached.ran(line) for line in (9, 10, 13, 14, 19, 20, 99)] == [False, True, True, False, False, True, True]
    assert not Reached().ran(5)

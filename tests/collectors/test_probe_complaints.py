"""What Python complains of when it is too late, as steps."""

from collections.abc import Callable
from typing import Any

import pytest

Play = Callable[..., Any]

HEAD = """
import asyncio, gc, threading

def tool(function):
    return function

async def save(what):
    return what["id"]

async def wait():
    await asyncio.get_running_loop().create_future()

def work():
    return {}["id"]

@tool
async def begin(what):
    "Begin something and let it go."
    if what == "task":
        asyncio.create_task(save({}))
    elif what == "coroutine":
        save({})
    elif what == "thread":
        threading.Thread(target=work).start()
    elif what == "waited":
        await asyncio.gather(save({}), return_exceptions=True)
    await asyncio.sleep(0)
    gc.collect()

@tool
async def destroy():
    "Lose a task that waits for what nobody holds."
    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    del task
    gc.collect()
"""
CASES = {
    "task": ("begin('task')", "the failure of save was never looked at", "KeyError"),
    "coroutine": ("begin('coroutine')", "save was never awaited", ""),
    "thread": ("begin('thread')", "work ended its thread", "KeyError"),
    "destroyed": ("destroy()", "wait was thrown away before its end", ""),
}


def complaints(played: Any) -> list[Any]:
    return [step for step in played.steps if "complaint" in step.attributes]


@pytest.mark.parametrize("kind", CASES)
def test_a_complaint_is_a_step_where_what_it_is_about_ran(play: Play, python: str, kind: str) -> None:
    call, name, failure = CASES[kind]
    played = play(python, f"{HEAD}\nasyncio.run({call})\n", include=())
    assert (played.code, played.plain.returncode) == (0, 0)
    [step] = complaints(played)
    assert (step.name, step.attributes["complaint"]) == (name, kind)
    raised = [other for other in played.steps if other.name == f"raise {failure}"]
    assert [other.attributes["exc_id"] for other in raised] == ([step.attributes["exc_id"]] if failure else [])
    assert step.anchors[0].qualname == {"thread": "work", "destroyed": "wait"}.get(kind, "save")
    if kind == "task":
        assert played.above(step) == ["begin"]
        assert "Task exception was never retrieved" in played.err


def test_a_failure_that_is_waited_for_is_none(play: Play, python: str) -> None:
    assert not complaints(play(python, f"{HEAD}\nasyncio.run(begin('waited'))\n", include=()))

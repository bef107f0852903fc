"""E110: one of several tasks fails, and the others go on with nobody waiting for them."""

from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
import asyncio


class Team:
    def __init__(self, workers):
        self.workers = workers

    async def answer(self, task):
        drafts = await asyncio.gather(*(worker.draft(task) for worker in self.workers))
        return max(drafts, key=len)
"""
_GOOD = """\
import asyncio


class Team:
    def __init__(self, workers):
        self.workers = workers

    async def answer(self, task):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(worker.draft(task)) for worker in self.workers]
        return max((task.result() for task in tasks), key=len)
"""


class AbandonedSiblings(HazardRule):
    code = "E110"
    name = "abandoned-siblings"
    keeps = Property.CLEANUP
    severity = Severity.WARNING
    summary = "Of tasks that are gathered one fails, and the others run on unowned."
    why = (
        "`asyncio.gather` hands on the first failure and leaves the rest running: tools still act, requests are still "
        "paid for, guards still judge, after the step that started them has ended and perhaps been tried again."
    )
    fix = (
        "Use a task group, or make tasks of them and, in a `try`, cancel those that are left and wait for them before "
        "the failure goes on. With `return_exceptions=True` look at every result."
    )
    references = (
        "https://github.com/openai/openai-agents-python/pull/4185",
        "https://docs.python.org/3/library/asyncio-task.html#asyncio.gather",
    )
    hazard = "abandoned-siblings"
    confidence = 0.45
    reason = "gathers, and cancels nothing"
    bad = Example(files={"team.py": _BAD})
    good = Example(files={"team.py": _GOOD})

    def words(self, element: Element) -> str:
        return (
            f"`gather` at {element.anchor.place} cancels nothing: when one of its tasks fails, the others go on after "
            f"{element.anchor.qualname} has ended."
        )

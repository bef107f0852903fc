"""E111: a task is started and kept nowhere."""

from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
import asyncio


class Recorder:
    def __init__(self, store):
        self.store = store

    async def on_step(self, step):
        asyncio.create_task(self.store.save(step))
"""
_GOOD = """\
import asyncio


class Recorder:
    def __init__(self, store):
        self.store = store
        self.saving = set()

    async def on_step(self, step):
        task = asyncio.create_task(self.store.save(step))
        self.saving.add(task)
        task.add_done_callback(self.saving.discard)
"""


class DroppedTask(HazardRule):
    code = "E111"
    name = "dropped-task"
    keeps = Property.CLEANUP
    severity = Severity.WARNING
    summary = "A task is started and nothing keeps it, waits for it or sees it fail."
    why = (
        "The event loop holds its tasks weakly: one that nobody keeps may be collected half done. When it fails nobody "
        "hears of it, and when the run ends first, what it was to save is not saved."
    )
    fix = "Keep the task until it is done, wait for it before the run ends, and look at its exception."
    references = ("https://docs.python.org/3/library/asyncio-task.html#asyncio.create_task",)
    operator = "keep-task"
    yields_to = ("O116",)
    hazard = "dropped-task"
    confidence = 0.6
    reason = "starts a task that nothing keeps"
    bad = Example(files={"recorder.py": _BAD})
    good = Example(files={"recorder.py": _GOOD})

    def words(self, element: Element) -> str:
        return (
            f"The task that is started at {element.anchor.place} is kept nowhere: nobody waits for it or sees it fail."
        )

"""L122: a coroutine function is called and not awaited: nothing of it runs."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Agent:
    def __init__(self, store):
        self.store = store

    async def save(self, reply):
        await self.store.put(reply)

    async def step(self, reply):
        self.save(reply)
        return reply["content"]
"""


class NeverAwaited(HazardRule):
    code = "L122"
    name = "never-awaited"
    keeps = Property.EFFECT
    severity = Severity.ERROR
    summary = "A coroutine function is called and not awaited: nothing of it runs."
    why = (
        "The call makes a coroutine object and throws it away. What it should save, send or close is not saved, "
        "sent or closed, and all that is left is a warning when the object is collected."
    )
    fix = "Await the call, or start a task that somebody keeps."
    references = (
        "https://github.com/google/adk-python/commit/f4c7d788",
        "https://docs.python.org/3/library/asyncio-dev.html#detect-never-awaited-coroutines",
    )
    operator = "await-call"
    hazard = "never-awaited"
    confidence = 0.85
    reason = "is never awaited"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("        self.save(reply)\n", "        await self.save(reply)\n"),
    )

    def words(self, element: Element) -> str:
        elsewhere = element.value("awaited-elsewhere")
        known = f"is awaited at {elsewhere} other places of this file" if elsewhere else "is a coroutine function"
        return f"{element.value('calls')} {known}, and this call is not awaited: nothing of it runs."

    def repaired_by(self, element: Element) -> str | None:
        return "" if element.value("awaited-elsewhere") else None

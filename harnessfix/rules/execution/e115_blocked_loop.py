"""E115: a call in a coroutine holds the event loop: every other task of the process stands still."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
import asyncio
import time


class Agent:
    def __init__(self, model):
        self.model = model

    async def ask(self, messages, attempts=3):
        for attempt in range(attempts):
            try:
                return await self.model.query(messages)
            except ConnectionError:
                time.sleep(2**attempt)
        raise ConnectionError("the model did not answer")


async def main(agent, tasks):
    return await asyncio.gather(*[agent.ask(task) for task in tasks])
"""


class BlockedLoop(HazardRule):
    code = "E115"
    name = "blocked-loop"
    keeps = Property.ISOLATION
    severity = Severity.WARNING
    summary = "A call in a coroutine holds the event loop: every other task of the process stands still."
    why = (
        "Tools, timeouts, heartbeats and other agents run on the same loop. While `time.sleep` or a blocking "
        "request waits, none of them moves: a timeout cannot fire, a cancellation is not seen, and parallel calls "
        "take as long as one after the other."
    )
    fix = (
        "Await what waits (`await asyncio.sleep(…)`, an asynchronous client or process), or hand the call to "
        "`asyncio.to_thread`."
    )
    references = (
        "https://github.com/strands-agents/sdk-python/pull/805",
        "https://docs.python.org/3/library/asyncio-dev.html#running-blocking-code",
    )
    operator = "unblock-loop"
    hazard = "blocked-loop"
    confidence = 0.7
    reason = "holds the event loop"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("                time.sleep(2**attempt)", "                await asyncio.sleep(2**attempt)"),
        ("import time\n", ""),
    )

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('call')}` in the coroutine {element.anchor.qualname} holds the event loop until "
            "it is done."
        )

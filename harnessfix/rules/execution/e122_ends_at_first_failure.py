"""E122: several things are closed in a loop, and the first that cannot be closed leaves the others open."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Tools:
    def __init__(self, servers):
        self.servers = servers

    async def cleanup(self):
        for server in self.servers:
            await server.cleanup()
"""


class EndsAtFirstFailure(HazardRule):
    code = "E122"
    name = "ends-at-first-failure"
    keeps = Property.CLEANUP
    severity = Severity.WARNING
    summary = "Several things are closed in a loop, and the first that cannot be closed leaves the others open."
    why = (
        "Connections, servers and clients that come later in the loop are never closed: their processes and "
        "sockets outlive the run, and the next one finds the port or the lock taken."
    )
    fix = "Catch what each of them raises, go on, and raise at the end what was caught."
    by_hand = "Which failures may be gathered and which must end the closing at once is not to be seen from the loop."
    references = ("https://github.com/openai/openai-agents-python/pull/4438",)
    hazard = "ends-at-first-failure"
    confidence = 0.55
    reason = "stops closing at the first failure"
    on_failure = True
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        (
            "            await server.cleanup()\n",
            "            try:\n                await server.cleanup()\n"
            "            except Exception as error:\n                print(error)\n",
        ),
    )

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('call')}` stands bare in the loop of {element.anchor.qualname}: when it raises, what "
            "comes later in the loop is never closed."
        )

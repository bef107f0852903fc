"""L142: a request for what comes next is carried out and not taken away."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Team:
    async def hand_over(self, store, to):
        await store.set("next_agent", to)

    async def after_tools(self, store):
        chosen = await store.get("next_agent", default=None)
        if chosen:
            await store.set("current_agent", chosen)
        return await store.get("current_agent")
"""


class RequestKept(HazardRule):
    code = "L142"
    name = "request-kept"
    keeps = Property.ISOLATION
    severity = Severity.WARNING
    summary = "A request for what comes next is carried out and stays: the next turn or run finds it again."
    why = (
        "The first hand-over goes well. From then on whatever else chooses who speaks is overruled by the old "
        "request, in this run and, where the state is kept, in those after it."
    )
    fix = "Take the request away when it is carried out."
    by_hand = "How the store is told that a key is gone differs from store to store."
    references = ("https://github.com/run-llama/llama_index/pull/18782",)
    hazard = "moved-not-taken"
    confidence = 0.6
    reason = "leaves the request where it was"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        (
            '            await store.set("current_agent", chosen)\n',
            '            await store.set("current_agent", chosen)\n            await store.set("next_agent", None)\n',
        ),
    )

    def words(self, element: Element) -> str:
        return (
            f"What `{element.value('key')}` asks for becomes `{element.value('to')}`, and the request itself is never "
            "taken away: it is found again the next time."
        )

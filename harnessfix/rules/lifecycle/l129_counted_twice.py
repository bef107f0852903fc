"""L129: a counter moves in a method and again in the one that it calls."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Agent:
    def __init__(self, model, limit):
        self.model = model
        self.limit = limit
        self.calls = 0

    def step(self, messages):
        self.calls += 1
        reply = self.ask(messages)
        return reply["content"]

    def ask(self, messages):
        if self.calls >= self.limit:
            raise RuntimeError("no calls are left")
        self.calls += 1
        return self.model.query(messages)
"""


class CountedTwice(HazardRule):
    code = "L129"
    name = "counted-twice"
    keeps = Property.ACCOUNTING
    severity = Severity.WARNING
    summary = "A counter moves in a method and again in the one that it calls."
    why = "One step counts as two: limits are reached at half of what they say, and what is reported as used was not."
    fix = "Count where the unit is spent, and nowhere else."
    references = ("https://github.com/agno-agi/agno/pull/6580",)
    operator = "count-once"
    hazard = "counted-twice"
    confidence = 0.6
    reason = "counts what is counted again"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("    def step(self, messages):\n        self.calls += 1\n", "    def step(self, messages):\n"),
    )

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('counter')}` moves here and again in {element.value('again-in')} (line "
            f"{element.value('again-at')}), which this calls: one step counts as two."
        )

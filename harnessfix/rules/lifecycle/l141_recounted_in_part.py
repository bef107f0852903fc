"""L141: counts are carried on for what moved this time, and what did not is forgotten."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Tools:
    def __init__(self, limit):
        self.limit = limit
        self.retries = {}

    def next_step(self, failed):
        self.retries = {name: self.retries.get(name, 0) + 1 for name in failed}
        return [name for name in failed if self.retries[name] <= self.limit]
"""


class RecountedInPart(HazardRule):
    code = "L141"
    name = "recounted-in-part"
    keeps = Property.ACCOUNTING
    severity = Severity.WARNING
    summary = "Counts are made anew from those that moved this time, and all others start again at 0."
    why = (
        "A count of failed attempts is to end what fails again and again. A step that does something else in between "
        "takes the count away, so that two tools which fail in turn are tried for ever."
    )
    fix = "Begin with the old counts, change those that moved, and take out those that are settled."
    by_hand = "What settles a count (a success, another run) is not in this code."
    references = ("https://github.com/pydantic/pydantic-ai/pull/6582",)
    hazard = "recounted-in-part"
    confidence = 0.6
    reason = "forgets the other counts"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        (
            "self.retries = {name: self.retries.get(name, 0) + 1 for name in failed}",
            "self.retries |= {name: self.retries.get(name, 0) + 1 for name in failed}",
        ),
    )

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('counts')}` goes on for what is in `{element.value('of')}` alone: whatever is not in it "
            "this time has its count forgotten."
        )

"""L132: a function that only works something out is called, and its answer is not taken."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Agent:
    def __init__(self, model):
        self.model = model
        self.usage = (0, 0)

    def ask(self, messages):
        reply = self.model.query(messages)
        add(self.usage, reply["usage"])
        return reply["content"]


def add(one, other):
    return one[0] + other[0], one[1] + other[1]
"""


class ResultDropped(HazardRule):
    code = "L132"
    name = "result-dropped"
    keeps = Property.EFFECT
    severity = Severity.WARNING
    summary = "A function that only works something out is called, and its answer is not taken."
    why = (
        "The function gives a new value and changes nothing, so the line has no effect: the total stays at zero, "
        "the message as it was, the list unsorted, and nothing says so."
    )
    fix = "Keep what the function returns."
    by_hand = "Whether the answer is to be kept, and as what, or the call is to go, is not to be seen."
    references = ("https://github.com/microsoft/autogen/pull/4770",)
    hazard = "result-dropped"
    confidence = 0.8
    reason = "drops the answer of a function without effects"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("        add(self.usage,", "        self.usage = add(self.usage,"),
    )

    def words(self, element: Element) -> str:
        return f"{element.value('calls')} works a value out and changes nothing; its answer is dropped here."

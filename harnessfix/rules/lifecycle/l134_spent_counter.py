"""L134: a count that a limit is held against is never set back, so a second run starts where the first ended."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Agent:
    def __init__(self, model, max_rounds=3):
        self.model = model
        self.max_rounds = max_rounds
        self.rounds = 0

    def run(self, task):
        messages = [task]
        while self.rounds < self.max_rounds:
            self.rounds += 1
            messages.append(self.model.query(messages)["content"])
            if messages[-1].endswith("."):
                break
        return messages[-1]
"""


class SpentCounter(HazardRule):
    code = "L134"
    name = "spent-counter"
    keeps = Property.ISOLATION
    severity = Severity.WARNING
    summary = "A count that a limit is held against is never set back: a second run starts where the first ended."
    why = (
        "The first run works. The next one on the same object has fewer steps left, or none, and ends at a limit "
        "that it never reached."
    )
    fix = "Set the count back where a run begins."
    by_hand = "Where a run begins is known by whoever calls; a count over all runs can be meant."
    references = (
        "https://github.com/microsoft/autogen/pull/6747",
        "https://github.com/huggingface/smolagents/pull/866",
    )
    hazard = "spent-counter"
    confidence = 0.55
    reason = "is never set back"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("        messages = [task]\n", "        messages = [task]\n        self.rounds = 0\n"),
    )

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('name')}` begins here, moves with the work and is held against a limit "
            f"(`{element.value('compares')}`), and nothing sets it back: a second run starts where the first ended."
        )

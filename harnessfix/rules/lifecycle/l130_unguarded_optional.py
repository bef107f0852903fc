"""L130: a field that may be None is indexed or gone through without a look."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
from dataclasses import dataclass


@dataclass
class Step:
    observation: str
    tool_calls: list | None = None

    def to_messages(self):
        text = f"Call {self.tool_calls[0].id}: {self.observation}"
        return [{"role": "user", "content": text}]
"""


class UnguardedOptional(HazardRule):
    code = "L130"
    name = "unguarded-optional"
    keeps = Property.CONTAINMENT
    severity = Severity.WARNING
    summary = "A field that may be None is indexed or gone through without a look."
    why = (
        "The field is declared as possibly None because some replies, steps or sessions have none. The first of "
        "those ends the run as `'NoneType' object is not subscriptable`, far from where it came from."
    )
    fix = "Ask for the field before it is used, or give it an empty value as its default."
    by_hand = (
        "Only where the field is gone through is an empty value the same as none; elsewhere what to do without it "
        "is a decision."
    )
    references = ("https://github.com/huggingface/smolagents/pull/857",)
    hazard = "unguarded-optional"
    confidence = 0.5
    reason = "uses a field that may be None"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        (
            '        text = f"Call {self.tool_calls[0].id}: {self.observation}"\n',
            '        called = f"Call {self.tool_calls[0].id}: " if self.tool_calls else ""\n'
            "        text = called + self.observation\n",
        ),
    )

    def repaired_by(self, element: Element) -> str | None:
        """Going through nothing is what None means; what stands for the first of nothing only people know."""
        return "guard-optional" if element.value("how") == "gone-through" else None

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('name')}` is declared as possibly None, and nothing here asks for that before it is used."
        )

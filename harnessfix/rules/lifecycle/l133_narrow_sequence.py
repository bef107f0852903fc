"""L133: a parameter may be any sequence, and what is no list is taken for a single item."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
from collections.abc import Sequence


class Agent:
    def __init__(self, model, stop: str | Sequence[str] = ()):
        self.model = model
        self.stop = stop if isinstance(stop, list) else [stop]

    def ask(self, messages):
        reply = self.model.query(messages)["content"]
        return reply, any(word == reply for word in self.stop)
"""


class NarrowSequence(HazardRule):
    code = "L133"
    name = "narrow-sequence"
    keeps = Property.EFFECT
    severity = Severity.WARNING
    summary = "A parameter may be any sequence, and what is no list is taken for a single item."
    why = (
        "A tuple, a set or a generator is legal by the annotation. It is wrapped as one item, so a set of modes, "
        "tools or stop texts is compared as a whole and none of them ever matches."
    )
    fix = "Ask for the single kind (`isinstance(value, str)`) and take everything else for a sequence."
    by_hand = "Which kinds of sequence are meant, and whether a text is one of them, the annotation does not say."
    references = ("https://github.com/langchain-ai/langgraph/pull/6354",)
    hazard = "narrow-sequence"
    confidence = 0.7
    reason = "takes every sequence but a list for one item"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("stop if isinstance(stop, list) else [stop]", "[stop] if isinstance(stop, str) else list(stop)"),
    )

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('name')}` may be any sequence, and here everything that is no `list` is taken for a "
            "single item: a tuple becomes a list with one tuple in it."
        )

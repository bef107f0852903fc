"""E123: what can be gone through once is gone through again, and the second time there is nothing in it."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
from collections.abc import Iterable


class Agent:
    def __init__(self, model, tools: Iterable):
        self.model = model
        self.names = [tool.name for tool in tools]
        self.tools = {tool.name: tool for tool in tools}
"""


class SpentIterator(HazardRule):
    code = "E123"
    name = "spent-iterator"
    keeps = Property.ISOLATION
    severity = Severity.WARNING
    summary = "What can be gone through once is gone through again, and the second time there is nothing in it."
    why = (
        "An `Iterable` may be a generator. The first loop empties it, so the second registers no tool, sends no "
        "message or compares with nothing; an iterator that an object keeps serves the first run and none after "
        "it."
    )
    fix = "Make a list of it first."
    by_hand = "A list of it all may not fit into memory, and may wait for what comes last."
    references = ("https://github.com/openai/openai-agents-python/pull/4235",)
    hazard = "spent-iterator"
    confidence = 0.6
    reason = "goes through it a second time"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("        self.names =", "        tools = list(tools)\n        self.names ="),
    )

    def words(self, element: Element) -> str:
        name = element.value("name")
        if element.fact("by") is not None:
            return f"`{name}` is an iterator: {element.value('by')} empties it, and the next call finds nothing."
        return f"`{name}` may be an iterator: line {element.value('first-at')} has emptied it when it is read here."

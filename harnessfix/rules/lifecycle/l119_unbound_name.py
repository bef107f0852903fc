"""L119: a name has a value only if a reply had a certain part, and is read in any case."""

from collections.abc import Mapping

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_PLANNER = """\
class Planner:
    def __init__(self, model):
        self.model = model

    def plan(self, messages):
        reply = self.model.query(messages)
        if reply.usage:
            tokens = reply.usage.total
        self.record(reply.text, tokens)
        return reply.text

    def record(self, text, tokens):
        print(f"{tokens} tokens: {text}")
"""


class UnboundName(HazardRule):
    code = "L119"
    name = "unbound-name"
    keeps = Property.CONTAINMENT
    severity = Severity.WARNING
    summary = "A name is bound in one branch only and read behind it in any case."
    why = (
        "The branch is taken as long as the reply has what the author saw in testing. A server that leaves it out ends "
        "the run with UnboundLocalError, or, in a loop, gives this turn the value of the one before."
    )
    fix = "Give the name a value before the branch, or read it inside."
    references = (
        "https://github.com/huggingface/smolagents/pull/1752",
        "https://pylint.readthedocs.io/en/stable/user_guide/messages/error/possibly-used-before-assignment.html",
    )
    operator = "bind-names"
    hazard = "unbound-name"
    confidence = 0.6
    reason = "is read though it may have no value"
    bad = Example(files={"planner.py": _PLANNER})
    good = edited(bad, "planner.py", ("        if reply.usage:\n", "        tokens = None\n        if reply.usage:\n"))

    def parameters(self, element: Element) -> Mapping[str, JsonValue]:
        return {"name": str(element.value("name")), "line": element.anchor.start_line}

    def words(self, element: Element) -> str:
        name, line = element.value("name"), element.value("bound-at")
        return (
            f"`{name}` is read at {element.anchor.place} and has a value only where the branch at line {line} was "
            "taken: otherwise this is an UnboundLocalError, or the value of an earlier turn."
        )

    def told_apart(self, element: Element, number: int) -> str:
        return str(element.value("name"))

"""L136: a function takes an option and never looks at it."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Agent:
    def __init__(self, model):
        self.model = model

    def ask(self, messages, stop=None):
        reply = self.model.query(messages)
        return reply["content"]
"""


class IgnoredParameter(HazardRule):
    code = "L136"
    name = "ignored-parameter"
    keeps = Property.EFFECT
    severity = Severity.INFO
    summary = "A function takes an option and never looks at it."
    why = (
        "Whatever the caller asks for, a limit, a format, a way to stop, the same happens, and no error says that "
        "it was not heard."
    )
    fix = "Use it, hand it on, or take it away."
    by_hand = "Whether the option is to be used or taken away is a decision, and both change the interface."
    references = ("https://github.com/SWE-agent/mini-swe-agent/pull/272",)
    hazard = "ignored-parameter"
    confidence = 0.5
    reason = "never looks at it"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("self.model.query(messages)", "self.model.query(messages, stop=stop)"),
    )

    def words(self, element: Element) -> str:
        return f"{element.anchor.qualname} takes `{element.value('name')}` and never looks at it."

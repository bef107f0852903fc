"""L125: a value is made and thrown away: an exception that is not raised, a changed text that is not kept."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Agent:
    def __init__(self, model):
        self.model = model

    def answer(self, messages):
        text = self.model.query(messages)["content"]
        if not text:
            ValueError("the model gave no answer")
        return text
"""


class ThrownAway(HazardRule):
    code = "L125"
    name = "thrown-away"
    keeps = Property.EFFECT
    severity = Severity.WARNING
    summary = "A value is made and thrown away: an exception that is not raised, a changed text that is not kept."
    why = (
        "The line does nothing. An invalid answer passes because its exception is only made, and a text keeps the "
        "spaces, the prefix or the marker that the line was to take away."
    )
    fix = "Raise the exception; keep the changed value."
    references = (
        "https://pylint.readthedocs.io/en/stable/user_guide/messages/warning/pointless-exception-statement.html",
    )
    operator = "keep-result"
    hazard = "thrown-away"
    confidence = 0.75
    reason = "makes a value and throws it away"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("            ValueError(", "            raise ValueError("),
    )

    def words(self, element: Element) -> str:
        return f"`{element.value('what')}` is made here and thrown away: the line does nothing."

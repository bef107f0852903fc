"""L127: a constructor takes a setting and never looks at it."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Environment:
    def __init__(self, folder, timeout=30):
        self.folder = folder
        self.runs = 0

    def where(self):
        return self.folder
"""


class DeadParameter(HazardRule):
    code = "L127"
    name = "dead-parameter"
    keeps = Property.EFFECT
    severity = Severity.INFO
    summary = "A constructor takes a setting and never looks at it."
    why = (
        "Who sets it believes that it holds: the timeout, the limit or the logger has no effect, and no message "
        "says so."
    )
    fix = "Use the setting, or take it out of the signature."
    by_hand = "Whether the setting is to be used or taken away is a decision, and both change the interface."
    references = (
        "https://github.com/crewAIInc/crewAI/blob/main/lib/crewai/src/crewai/mcp/client.py",
        "https://pylint.readthedocs.io/en/stable/user_guide/messages/warning/unused-argument.html",
    )
    hazard = "dead-parameter"
    confidence = 0.4
    reason = "takes a setting and ignores it"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("        self.runs = 0\n", "        self.runs = 0\n        self.timeout = timeout\n"),
    )

    def words(self, element: Element) -> str:
        return f"`{element.value('name')}` is taken and never looked at: setting it has no effect."

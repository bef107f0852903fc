"""E117: a number of seconds is handed on as milliseconds."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Agent:
    def __init__(self, client, timeout=60.0):
        self.client = client
        self.timeout = timeout

    def ask(self, messages):
        return self.client.complete(messages, timeout_ms=int(self.timeout))
"""


class WrongUnit(HazardRule):
    code = "E117"
    name = "wrong-unit"
    keeps = Property.EFFECT
    severity = Severity.WARNING
    summary = "A number of seconds is handed on as milliseconds."
    why = (
        "A timeout of 60 becomes 60 milliseconds: every request that takes longer fails, and its retries fail too, "
        "for a reason that no message names."
    )
    fix = "Convert where the unit changes: `timeout_ms=int(timeout * 1000)`."
    references = ("https://github.com/camel-ai/camel/commit/d8ae26883",)
    operator = "convert-unit"
    hazard = "wrong-unit"
    confidence = 0.6
    reason = "takes seconds for milliseconds"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("int(self.timeout)", "int(self.timeout * 1000)"),
    )

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('given')}` is handed on as `{element.value('taken-as')}` as it stands: seconds "
            "are taken for milliseconds."
        )

"""L145: a loop counts attempts, and whatever happens in the first one leaves it."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Agent:
    def ask(self, messages):
        for attempt in range(self.retries):
            try:
                return self.model.query(messages)
            except ConnectionError as error:
                self.log.warning("attempt %d failed: %s", attempt, error)
                raise
"""


class NeverTriedAgain(HazardRule):
    code = "L145"
    name = "never-tried-again"
    keeps = Property.EFFECT
    severity = Severity.WARNING
    summary = "A loop counts attempts, and whatever happens in the first one leaves it."
    why = (
        "The number of retries is set, shown and logged, and has no effect: the first time that a provider is busy "
        "ends the run. With zero retries the body is not even run once."
    )
    fix = "Raise in the last attempt alone, and wait and go on in the others, for failures that may pass."
    by_hand = "Which failures may pass, and how long to wait, is not in the code."
    references = (
        "https://docs.python.org/3/tutorial/controlflow.html#break-and-continue-statements",
        "https://tenacity.readthedocs.io/en/latest/#whether-to-retry",
    )
    hazard = "never-tried-again"
    confidence = 0.7
    reason = "leaves in the first attempt"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("                raise\n", "                if attempt + 1 == self.retries:\n                    raise\n"),
    )

    def words(self, element: Element) -> str:
        return f"The loop over `{element.value('loop')}` is left in its first round, whatever happens in that."

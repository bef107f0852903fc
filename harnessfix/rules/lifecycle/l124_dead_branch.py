"""L124: a branch is always taken or never: its test holds a bare text, or an earlier one has taken all."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_WIDE = """\
        except Exception as error:
            raise RuntimeError("the model failed") from error
"""
_NARROW = """\
        except TimeoutError:
            return self.model.query(messages[-1:])
"""
_BAD = f"""\
class Agent:
    def __init__(self, model):
        self.model = model

    def ask(self, messages):
        try:
            return self.model.query(messages)
{_WIDE}{_NARROW}"""


class DeadBranch(HazardRule):
    code = "L124"
    name = "dead-branch"
    keeps = Property.EFFECT
    severity = Severity.WARNING
    summary = "A branch is always taken or never: its test holds a bare text, or an earlier one has taken all."
    why = (
        "What the branch was written for does not happen: an error has no clause of its own, a role or a status is "
        "treated as another. The code reads as if it did."
    )
    fix = 'Compare each value (`role in ("user", "system")`); put the narrow clause before the wide one.'
    by_hand = "What the test was to ask is a guess: the bare text may stand for any comparison."
    references = ("https://docs.python.org/3/reference/compound_stmts.html#except-clause",)
    hazard = "dead-branch"
    confidence = 0.75
    reason = "decides nothing"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        (_WIDE + _NARROW, _NARROW + _WIDE),
    )

    def words(self, element: Element) -> str:
        return f"This branch decides nothing: {element.value('why')}."

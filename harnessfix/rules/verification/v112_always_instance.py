"""V112: a check that everything passes."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
def wrapped(output, kinds):
    for kind, wrapper in kinds.items():
        if isinstance(output, kind) and not isinstance(output, object):
            return wrapper(output)
    return output
"""


class AlwaysInstance(HazardRule):
    code = "V112"
    name = "always-instance"
    keeps = Property.EFFECT
    severity = Severity.WARNING
    summary = "`isinstance(…, object)` holds for everything: the check is none, or its negation never holds."
    why = "Everything in Python is an object. What the check was to let through or to keep out is treated alike."
    fix = "Compare with the class that was meant, or drop the check."
    by_hand = "Which class was meant is not in the code."
    references = (
        "https://github.com/huggingface/smolagents/commit/55a34a4c",
        "https://docs.python.org/3/library/functions.html#isinstance",
    )
    hazard = "always-instance"
    confidence = 0.8
    reason = "checks nothing"
    bad = Example(files={"agent.py": _BAD})
    good = edited(bad, "agent.py", (" and not isinstance(output, object)", " and kind is not object"))

    def words(self, element: Element) -> str:
        return f"`{element.value('checks')}` is true whatever it is given."

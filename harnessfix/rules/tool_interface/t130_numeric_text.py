"""T130: a text is numeric and yet no number."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
def number_in(reply):
    for word in reply.split():
        if word.replace(".", "").isnumeric():
            return float(word)
    return None
"""


class NumericText(HazardRule):
    code = "T130"
    name = "numeric-text"
    keeps = Property.CONTAINMENT
    severity = Severity.WARNING
    summary = "A text is asked whether it is numeric and then read as a number, which not every such text is."
    why = (
        "`isnumeric` holds for \u4e09, \u00bd and \u00b2, too, and for 1.2.3 once the points are taken off: `int` and "
        "`float` raise a ValueError for them. A reply with such a word ends the run, or its scoring."
    )
    fix = "Read the number inside a `try` and take the ValueError, or ask with `isdecimal`."
    by_hand = "What such a text is to be is not in the code."
    references = (
        "https://github.com/UKGovernmentBEIS/inspect_ai/pull/2387",
        "https://docs.python.org/3/library/stdtypes.html#str.isnumeric",
    )
    hazard = "numeric-text"
    confidence = 0.7
    reason = "reads it as a number"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        (
            '        if word.replace(".", "").isnumeric():\n            return float(word)\n',
            "        try:\n            return float(word)\n        except ValueError:\n            continue\n",
        ),
    )

    def words(self, element: Element) -> str:
        what, reads = element.value("what"), element.value("reads")
        return f"`{reads}` raises a ValueError for a `{what}` that is numeric and yet no number."

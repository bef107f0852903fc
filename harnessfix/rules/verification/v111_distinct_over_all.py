"""V111: a share counts what differs above and all, repeated ones too, below."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
def recall(expected, retrieved):
    wanted = {document.content for document in expected}
    found = wanted.intersection(document.content for document in retrieved)
    return len(found) / len(expected) if expected else 1.0
"""


class DistinctOverAll(HazardRule):
    code = "V111"
    name = "distinct-over-all"
    keeps = Property.ACCOUNTING
    severity = Severity.WARNING
    summary = "A share counts what differs above and all, repeated ones too, below."
    why = (
        "A set has each item once, the list that it was made from may have it several times: with repeated labels a "
        "perfect answer scores below one, and runs are compared by a number that depends on how often a label was "
        "written down."
    )
    fix = "Count the same above and below: the set that was made from the list, or the list in both."
    by_hand = "Whether repeated items count once or each time is for the author of the measure to say."
    references = ("https://github.com/deepset-ai/haystack/pull/9380",)
    hazard = "distinct-over-all"
    confidence = 0.65
    reason = "divides a set's length by a list's"
    bad = Example(files={"agent.py": _BAD})
    good = edited(bad, "agent.py", ("len(expected) if expected", "len(wanted) if wanted"))

    def words(self, element: Element) -> str:
        above, below = element.value("above"), element.value("below")
        return (
            f"`len({above}) / len({below})`: `{above}` has each item once, and `{below}`, of which a set was made for "
            "it, may repeat some."
        )

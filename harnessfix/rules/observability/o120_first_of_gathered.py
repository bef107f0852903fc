"""O120: in each turn of a loop the first of all that was gathered is taken for what this turn gave."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
def execute(calls, tools, log):
    results = []
    for call in calls:
        results.append(tools[call.name](**call.arguments))
        log.note(call.id, answered_by=results[0].id)
    return results
"""


class FirstOfGathered(HazardRule):
    code = "O120"
    name = "first-of-gathered"
    keeps = Property.HONESTY
    severity = Severity.WARNING
    summary = "In each turn of a loop the first of all that was gathered is taken for what this turn gave."
    why = (
        "With one tool call in a turn this is right, with two the record of the second points at the answer of the "
        "first. Nothing fails; what reads the record later puts results and calls together wrongly."
    )
    fix = "Take what this turn added: keep it under a name of its own, or the last of the list."
    by_hand = "A turn may add several or none, and which of them is meant is not in the code."
    references = ("https://github.com/UKGovernmentBEIS/inspect_ai/pull/3846",)
    hazard = "first-of-gathered"
    confidence = 0.6
    reason = "takes the first of all turns"
    bad = Example(files={"agent.py": _BAD})
    good = edited(bad, "agent.py", ("results[0].id", "results[-1].id"))

    def words(self, element: Element) -> str:
        name = element.value("name")
        return f"`{name}[0]` is what the first turn of the loop added to `{name}`, in the later turns too."

"""V113: a search for the last such thing ends with the first."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
def answer_of(messages):
    answer = ""
    for message in reversed(messages):
        if message["role"] == "assistant":
            answer = message["content"]
    return answer
"""


class SearchedPast(HazardRule):
    code = "V113"
    name = "searched-past"
    keeps = Property.EFFECT
    severity = Severity.ERROR
    summary = "A loop looks backwards for the last of something, does not stop at it, and ends with the first."
    why = (
        "Whoever goes through messages from the end wants the last one that fits. Without a `break` each earlier one "
        "takes its place: what is scored, shown or answered is the first reply of the run, not the one it ended with."
    )
    fix = "Leave the loop where it has found what it is for."
    by_hand = "Whether the first or the last was meant is not in the code."
    references = ("https://github.com/UKGovernmentBEIS/inspect_ai/pull/2111",)
    hazard = "searched-past"
    confidence = 0.85
    reason = "goes on after it has found one"
    bad = Example(files={"agent.py": _BAD})
    good = edited(bad, "agent.py", ('message["content"]\n', 'message["content"]\n            break\n'))

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('kept')}` is set for each that fits in `{element.value('through')}` (line "
            f"{element.value('loop')}), and the loop goes on: in the end it holds the first of them, not the last."
        )

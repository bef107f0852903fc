"""E124: a setting of an object that was handed in is extended and stays so."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Executor:
    def __init__(self, llm, stop):
        self.llm = llm
        self.stop = stop

    def run(self, task):
        self.llm.stop = list(set(self.llm.stop + self.stop))
        return self.llm.call(task)
"""


class ExtendedSetting(HazardRule):
    code = "E124"
    name = "extended-setting"
    keeps = Property.ISOLATION
    severity = Severity.WARNING
    summary = "A setting of an object that somebody else made is extended, and is not put back."
    why = (
        "One model object serves many agents. What one of them adds to its stop words, headers or tools is there "
        "for all the others and for the next run, which then stop early or ask for what they should not."
    )
    fix = "Hand the addition over with the call, work on a copy, or put the former value back in a `finally`."
    by_hand = "How the addition reaches the object with the call instead depends on the object."
    references = ("https://github.com/crewAIInc/crewAI/commit/184c228ae",)
    hazard = "extended-setting"
    confidence = 0.6
    reason = "extends what others share"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        (
            "        self.llm.stop = list(set(self.llm.stop + self.stop))\n        return self.llm.call(task)\n",
            "        return self.llm.call(task, stop=[*self.llm.stop, *self.stop])\n",
        ),
    )

    def words(self, element: Element) -> str:
        owner, setting = element.value("owner"), element.value("setting")
        return (
            f"`{owner}.{setting}` is replaced by itself and more, and `{owner}` was made elsewhere: all that use it "
            "get the addition."
        )

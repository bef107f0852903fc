"""T123: a text is taken apart at a mark that it may hold more often, and the parts are unpacked."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Agent:
    def __init__(self, model):
        self.model = model

    def act(self, messages):
        reply = self.model.query(messages)["content"]
        tool, argument = reply.split(":")
        return tool.strip(), argument.strip()
"""


class UnpackedSplit(HazardRule):
    code = "T123"
    name = "unpacked-split"
    keeps = Property.CONTAINMENT
    severity = Severity.WARNING
    summary = "A text is taken apart at a mark that it may hold more often, and the parts are unpacked."
    why = (
        "A setting `model=a=b`, an answer with two colons or a name with two slashes has one part more than there "
        "are names: the run ends with `too many values to unpack`, far from whoever wrote the text."
    )
    fix = "Split at most once (`split(mark, 1)`, `partition`), or say what is wrong with the text."
    by_hand = "Which of the parts may hold the mark decides from which side to split."
    references = ("https://github.com/SWE-agent/mini-swe-agent/pull/754",)
    hazard = "unpacked-split"
    confidence = 0.6
    reason = "unpacks as many parts as it expects"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ('.split(":")', '.split(":", 1)'),
    )

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('what')}` is split at every `{element.value('mark')}` and unpacked into "
            f"{element.value('parts')} names: one `{element.value('mark')}` more in it is a ValueError."
        )

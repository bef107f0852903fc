"""C119: pieces are gathered in a loop and handed on when enough are there; what is left at the end never is."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Agent:
    def __init__(self, model):
        self.model = model

    def sentences(self, messages):
        text = ""
        for token in self.model.stream(messages):
            text += token
            if text.endswith("."):
                yield text
                text = ""
"""


class UnflushedBuffer(HazardRule):
    code = "C119"
    name = "unflushed-buffer"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "Pieces are gathered in a loop and handed on when enough are there; what is left at the end never is."
    why = (
        "The end of an answer, the last events or the last tool call of a stream stay in the buffer and are lost, "
        "whenever the stream does not end just where the loop hands on."
    )
    fix = "Hand on what is left behind the loop."
    by_hand = "What is left may be incomplete on purpose, and how it is handed on differs from the whole pieces."
    references = ("https://github.com/stanfordnlp/dspy/pull/9089",)
    hazard = "unflushed-buffer"
    confidence = 0.55
    reason = "drops what is left in it at the end"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ('                text = ""\n', '                text = ""\n        if text:\n            yield text\n'),
    )

    def words(self, element: Element) -> str:
        return f"`{element.value('name')}` is handed on inside the loop only: what is in it when the loop ends is lost."

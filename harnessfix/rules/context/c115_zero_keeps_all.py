"""C115: the last `n` are taken by `[-n:]`, which with 0 takes all."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Memory:
    def __init__(self, window=10):
        self.window = window
        self.messages = []

    def recent(self):
        return self.messages[-self.window :]
"""


class ZeroKeepsAll(HazardRule):
    code = "C115"
    name = "zero-keeps-all"
    keeps = Property.ACCOUNTING
    severity = Severity.INFO
    summary = "The last `n` are taken by `[-n:]`, which with 0 takes all."
    why = (
        "`messages[-0:]` is the whole list. Who sets a window of 0, or counts down to it, gets the longest context "
        "instead of none, and the budget that the number stood for does not hold."
    )
    fix = "Take `messages[len(messages) - n :]`, or `messages[-n:] if n else []`."
    references = ("https://github.com/camel-ai/camel/pull/3726",)
    operator = "keep-last"
    hazard = "zero-keeps-all"
    confidence = 0.45
    reason = "takes all when the number is 0"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("self.messages[-self.window :]", "self.messages[-self.window :] if self.window else []"),
    )

    def words(self, element: Element) -> str:
        return f"`{element.value('of')}` is everything when `{element.value('count')}` is 0."

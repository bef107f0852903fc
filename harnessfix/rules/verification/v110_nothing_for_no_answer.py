"""V110: a reply that says nothing becomes an answer whose fields are all None."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
def read(reply, fields, parse):
    text = reply["content"]
    if text:
        value = parse(text)
    else:
        value = {}
        for name in fields:
            value[name] = None
    return value
"""


class NothingForNoAnswer(HazardRule):
    code = "V110"
    name = "nothing-for-no-answer"
    keeps = Property.HONESTY
    severity = Severity.WARNING
    summary = "An empty reply is made into an answer whose fields are all None."
    why = (
        "The caller cannot tell a model that said nothing from one that has nothing to say: no retry, no other parser "
        "and no error, and what goes on with the answer fails somewhere else or reports None as a result."
    )
    fix = "Raise what a reply that cannot be parsed raises, with the reply in it; leave calls without text aside."
    by_hand = "Which exception the callers retry or report is a contract with them."
    references = ("https://github.com/stanfordnlp/dspy/pull/9389",)
    hazard = "nothing-for-no-answer"
    confidence = 0.6
    reason = "answers None for every field"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        (
            "        value = {}\n        for name in fields:\n            value[name] = None\n",
            '        raise ValueError("the model said nothing")\n',
        ),
    )

    def words(self, element: Element) -> str:
        return (
            f"Where `{element.value('of')}` is empty, every field of the answer becomes None here, and nobody is told."
        )

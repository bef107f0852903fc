"""C116: a cache answers by a key that leaves out something which the answer depends on."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Agent:
    def __init__(self, model):
        self.model = model
        self.cache = {}

    def ask(self, prompt, temperature):
        if prompt in self.cache:
            return self.cache[prompt]
        reply = self.model.query(prompt, temperature)
        self.cache[prompt] = reply
        return reply
"""


class KeyLeavesOut(HazardRule):
    code = "C116"
    name = "key-leaves-out"
    keeps = Property.ACCOUNTING
    severity = Severity.WARNING
    summary = "A cache answers by a key that leaves out something which the answer depends on."
    why = (
        "The second question differs from the first only in what the key leaves out, and gets the first one's "
        "answer. Nothing fails, and the reply, the count or the rendered prompt is that of other settings."
    )
    fix = "Put everything that the value is made from into the key."
    by_hand = "What the value is made from can be named, but not which of it should make two questions different."
    references = ("https://github.com/Aider-AI/aider/commit/cf1e6e65c",)
    hazard = "key-leaves-out"
    confidence = 0.5
    reason = "leaves an input out of the key"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        (
            "        if prompt in self.cache:\n            return self.cache[prompt]\n",
            "        asked = (prompt, temperature)\n        if asked in self.cache:\n"
            "            return self.cache[asked]\n",
        ),
        ("        self.cache[prompt] = reply", "        self.cache[asked] = reply"),
    )

    def words(self, element: Element) -> str:
        return (
            f"What `{element.value('cache')}` keeps here is made from `{element.value('leaves-out')}` too, "
            "and its key leaves that out."
        )

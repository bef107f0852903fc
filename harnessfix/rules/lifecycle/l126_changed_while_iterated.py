"""L126: a loop takes members out of what it goes through, and so passes over others."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Memory:
    def __init__(self):
        self.messages = []

    def forget_images(self):
        for message in self.messages:
            if message.get("type") == "image":
                self.messages.remove(message)
"""


class ChangedWhileIterated(HazardRule):
    code = "L126"
    name = "changed-while-iterated"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "A loop takes members out of what it goes through, and so passes over others."
    why = (
        "A list moves up when a member is removed, and the loop steps over the next one: of two messages or calls "
        "in a row only one is looked at. A dictionary ends the loop with a RuntimeError."
    )
    fix = "Go through a copy (`list(messages)`), or make a new list of what stays."
    references = ("https://docs.python.org/3/tutorial/controlflow.html#for-statements",)
    operator = "iterate-copy"
    hazard = "changed-while-iterated"
    confidence = 0.65
    reason = "changes what the loop goes through"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("        for message in self.messages:", "        for message in list(self.messages):"),
    )

    def words(self, element: Element) -> str:
        return (
            f"The loop at line {element.value('loop')} goes through `{element.value('what')}` while members "
            "are taken out of it: the one behind each is passed over."
        )

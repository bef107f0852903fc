"""C117: what a class writes down of itself is not read back."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Agent:
    def __init__(self, model, tools, max_steps, prompts=None):
        self.model = model
        self.tools = tools
        self.max_steps = max_steps
        self.prompts = prompts

    def to_dict(self):
        return {"model": self.model, "tools": self.tools, "max_steps": self.max_steps, "prompts": self.prompts}

    @classmethod
    def from_dict(cls, saved):
        return cls(saved["model"], saved["tools"], saved["max_steps"])
"""


class LostOnReturn(HazardRule):
    code = "C117"
    name = "lost-on-return"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "What a class writes down of itself is not read back."
    why = (
        "A saved agent, session or step comes back without a setting that it was saved with: its prompts, its "
        "limits, its usage are those of a new one, and no message says so."
    )
    fix = "Hand every key that is written to what makes the object again."
    references = ("https://github.com/huggingface/smolagents/pull/1001",)
    operator = "read-back"
    hazard = "lost-on-return"
    confidence = 0.5
    reason = "leaves out what was written"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ('saved["max_steps"])', 'saved["max_steps"], saved["prompts"])'),
    )

    def words(self, element: Element) -> str:
        return (
            f"{element.value('writer')} writes `{element.value('leaves-out')}`, and {element.anchor.qualname} "
            "never reads it back."
        )

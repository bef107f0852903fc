"""O112: a message shows `{name}` where the name's value was meant."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Agent:
    def __init__(self, tools):
        self.tools = tools

    def run_tool(self, name, arguments):
        if name not in self.tools:
            raise ValueError("there is no tool {name}")
        return self.tools[name](**arguments)
"""


class ForgottenF(HazardRule):
    code = "O112"
    name = "forgotten-f"
    keeps = Property.EFFECT
    severity = Severity.WARNING
    summary = "A message shows `{name}` where the name's value was meant."
    why = (
        "The one line that should say which tool, file or limit it was about says a placeholder. Who reads the log "
        "or the error, person or model, learns nothing from it."
    )
    fix = "Put the `f` in front of the text."
    references = ("https://github.com/SWE-agent/SWE-agent/pull/1155",)
    operator = "fill-placeholder"
    hazard = "forgotten-f"
    confidence = 0.65
    reason = "shows a placeholder"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ('"there is no tool {name}"', 'f"there is no tool {name}"'),
    )

    def words(self, element: Element) -> str:
        return f"`{element.value('hole')}` is shown as it stands: the text is no f-string, and nothing fills it."

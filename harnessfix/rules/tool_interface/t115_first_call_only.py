"""T115: of the calls of one turn only the first is made."""

import re

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.vocabulary import Property, Severity

# Words in the name of a file or function that shows to people what was done elsewhere.
_DISPLAY = re.compile(
    r"(?:^|[/._])(?:ui|gui|tui|webui|gradio|streamlit|chainlit|render|display|show|print|pretty|visuali[sz]e)(?=[/._]|$)",
    re.IGNORECASE,
)

_AGENT = """\
class Agent:
    def __init__(self, model, tools):
        self.model, self.tools = model, tools

    def step(self, messages):
        reply = self.model.query(messages)
        if not reply.tool_calls:
            return reply.content
        call = reply.tool_calls[0]
        messages.append({"role": "tool", "tool_call_id": call.id, "content": self.tools[call.name](**call.arguments)})
        return None
"""


class FirstCallOnly(HazardRule):
    code = "T115"
    name = "first-call-only"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "A turn may hold several tool calls, and only the first is looked at."
    why = (
        "Providers let models ask for several tools at once unless told not to. The calls behind the first are neither "
        "made nor answered: work is missing, and the next request holds calls without results, which providers refuse."
    )
    fix = "Go through all calls and answer each by its id, or ask the provider for one call at a time."
    references = (
        "https://github.com/dynamiq-ai/dynamiq/pull/902",
        "https://platform.openai.com/docs/guides/function-calling",
    )
    operator = "each-call"
    hazard = "first-call-only"
    confidence = 0.6
    reason = "takes the first call"
    bad = Example(files={"agent.py": _AGENT})
    good = edited(
        bad,
        "agent.py",
        (
            "        call = reply.tool_calls[0]\n        messages",
            "        for call in reply.tool_calls:\n            messages",
        ),
    )

    def concerns(self, element: Element, model: HarnessModel) -> bool:
        """Whether the code makes calls, as far as names say: one that only shows them loses nothing."""
        return _DISPLAY.search(f"{element.anchor.path}/{element.anchor.qualname}") is None

    def words(self, element: Element) -> str:
        return (
            f"{element.anchor.qualname} takes the first of `{element.value('of')}` at {element.anchor.place} and "
            "nothing there sees the others: what else the model asked for in that turn is neither made nor answered."
        )

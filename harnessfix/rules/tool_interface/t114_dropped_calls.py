"""T114: a turn's remaining calls are dropped at a call of a certain sort."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_AGENT = """\
class Agent:
    def __init__(self, tools):
        self.tools = tools

    def act(self, tool_calls, messages):
        for call in tool_calls:
            if call.name == "hand_over":
                return call.arguments["to"]
            messages.append({"role": "tool", "tool_call_id": call.id, "content": self.run_tool(call)})
        return None

    def run_tool(self, call):
        return self.tools[call.name](**call.arguments)
"""


class DroppedCalls(HazardRule):
    code = "T114"
    name = "dropped-calls"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "A loop over a turn's tool calls is left at one of them, and those behind it are never made or answered."
    why = (
        "Models ask for several tools at once. What stands behind the call at which the loop ends is neither run "
        "nor refused: the effect is missing, the next request has calls without results, and which calls are lost "
        "depends on the order in which the model happened to write them."
    )
    fix = "Go through all calls, answer each, and act on the special one afterwards; refuse a turn with two of them."
    references = (
        "https://github.com/huggingface/smolagents/pull/1482",
        "https://platform.openai.com/docs/guides/function-calling",
    )
    operator = "return-after-all"
    hazard = "dropped-calls"
    confidence = 0.6
    reason = "leaves the loop over the calls"
    bad = Example(files={"agent.py": _AGENT})
    good = edited(
        bad,
        "agent.py",
        ("        for call in tool_calls:\n", "        goes_to = None\n        for call in tool_calls:\n"),
        ('                return call.arguments["to"]\n', '                goes_to = call.arguments["to"]\n'),
        ("        return None\n", "        return goes_to\n"),
    )

    def words(self, element: Element) -> str:
        return (
            f"{element.anchor.place} leaves the loop over the tool calls of a turn (line {element.value('loop')}) "
            "at one of them: calls behind it are neither run nor answered."
        )

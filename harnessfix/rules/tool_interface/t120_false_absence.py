"""T120: arguments that are 0, False or empty count as no arguments."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_CALL = """\
from dataclasses import dataclass, field


@dataclass
class ToolCall:
    name: str
    arguments: dict = field(default_factory=dict)

    def has_arguments(self):
        return any(self.arguments.values())


class Agent:
    def __init__(self, tools):
        self.tools = tools

    def answer(self, calls):
        return [self.tools[call.name](**call.arguments) for call in calls if call.has_arguments()]
"""


class FalseAbsence(HazardRule):
    code = "T120"
    name = "false-absence"
    keeps = Property.ACCOUNTING
    severity = Severity.WARNING
    summary = "Whether something was given is told by whether its values are true."
    why = (
        "A level of 0, a switch that is off and an empty list are values that a model means. Where only true ones "
        "count, a call that holds nothing else passes for an empty one and is left out, waited for or asked again."
    )
    fix = "Ask whether there are any values (`bool(arguments)`), or compare with what stands for nothing."
    references = (
        "https://docs.python.org/3/library/stdtypes.html#truth-value-testing",
        "https://github.com/pydantic/pydantic-ai/pull/4442",
    )
    operator = "ask-for-members"
    hazard = "false-absence"
    confidence = 0.6
    reason = "takes a false value for none"
    bad = Example(files={"call.py": _CALL})
    good = edited(bad, "call.py", ("any(self.arguments.values())", "bool(self.arguments)"))

    def words(self, element: Element) -> str:
        return (
            f"{element.anchor.qualname} says at {element.anchor.place} that `{element.value('of')}` holds nothing when "
            "all it holds is 0, False or empty."
        )

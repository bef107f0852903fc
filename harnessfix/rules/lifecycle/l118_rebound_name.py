"""L118: a loop inside a loop takes the name of a value that the next turn needs."""

from collections.abc import Mapping

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_AGENT = """\
class Agent:
    def __init__(self, tools, log):
        self.tools, self.log = tools, log

    def execute(self, task, calls):
        results = []
        for call in calls:
            self.log.write(f"{call.name} for {task}")
            output = self.tools[call.name](call.arguments)
            for task in output.follow_ups:
                results.append(task)
        return results
"""


class ReboundName(HazardRule):
    code = "L118"
    name = "rebound-name"
    keeps = Property.ISOLATION
    severity = Severity.ERROR
    summary = "A loop variable takes the place of a value that the next turn of the loop around it reads."
    why = (
        "The first turn does what was meant; from the second on the name holds the last item of the inner loop: a "
        "tool's result where the model's message should be, another task, another agent. Nothing is raised."
    )
    fix = "Give the loop variable a name of its own."
    references = (
        "https://github.com/UKGovernmentBEIS/inspect_ai/pull/2776",
        "https://docs.astral.sh/ruff/rules/redefined-loop-name/",
    )
    operator = "keep-turn-message"
    hazard = "rebound-name"
    confidence = 0.8
    reason = "takes a name that is still needed"
    bad = Example(files={"agent.py": _AGENT})
    good = edited(
        bad,
        "agent.py",
        ("            for task in output.follow_ups:\n", "            for following in output.follow_ups:\n"),
        ("                results.append(task)\n", "                results.append(following)\n"),
    )

    def parameters(self, element: Element) -> Mapping[str, JsonValue]:
        return {"name": str(element.value("name"))}

    def words(self, element: Element) -> str:
        name, line = element.value("name"), element.value("read-at")
        return (
            f"The loop at {element.anchor.place} takes the name `{name}`, which the next turn of the loop around it "
            f"reads at line {line}: from the second turn on it is the last item of the inner loop."
        )

    def told_apart(self, element: Element, number: int) -> str:
        return str(element.value("name"))

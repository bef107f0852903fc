"""T122: arguments that a model wrote are used as an object without a look at whether they are one."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
import json


class Agent:
    def __init__(self, tools):
        self.tools = tools

    def run_tool(self, call):
        try:
            arguments = json.loads(call.function.arguments)
        except ValueError as error:
            return f"The arguments are not JSON: {error}"
        return self.tools[call.function.name](**arguments)
"""


class UncheckedObject(HazardRule):
    code = "T122"
    name = "unchecked-object"
    keeps = Property.CONTAINMENT
    severity = Severity.WARNING
    summary = "Arguments that a model wrote are used as an object without a look at whether they are one."
    why = (
        'A list, a number or a bare text is valid JSON, and models send it now and then. `"command" in args` or '
        "`tool(**args)` then raises TypeError in the harness, outside the clause that was to answer malformed "
        "arguments, and the run ends."
    )
    fix = "Ask `isinstance(args, dict)` where the text is parsed, and tell the model what was expected."
    by_hand = "What the model is told, and how, when its arguments are no object differs from harness to harness."
    references = (
        "https://github.com/SWE-agent/mini-swe-agent/pull/760",
        "https://github.com/openai/openai-agents-python/pull/3166",
    )
    hazard = "unchecked-object"
    confidence = 0.6
    reason = "parses an object, or something else"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        (
            '            return f"The arguments are not JSON: {error}"\n',
            '            return f"The arguments are not JSON: {error}"\n'
            "        if not isinstance(arguments, dict):\n"
            '            return "The arguments are not an object."\n',
        ),
    )

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('name')}` is what a model wrote, and nothing asks whether it is an object "
            f"before line {element.value('used-at')} uses it as one."
        )

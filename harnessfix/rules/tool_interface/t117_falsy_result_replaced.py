"""T117: a tool's answer is replaced when it is 0, False or empty, as if there had been none."""

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
        tool = self.tools[name]
        result = tool(**arguments)
        return result or "no output"
"""


class FalsyResultReplaced(HazardRule):
    code = "T117"
    name = "falsy-result-replaced"
    keeps = Property.HONESTY
    severity = Severity.WARNING
    summary = "A tool's answer is replaced when it is 0, False or empty, as if there had been none."
    why = (
        "`tool(**arguments) or default` cannot tell an answer from no answer. A tool that says 0, False or an empty "
        "list is quoted to the model as something else, and the model goes on from what nobody said."
    )
    fix = "Test for `None`: only that is no answer."
    references = ("https://github.com/google/adk-python/commit/60ceea72",)
    operator = "keep-falsy"
    hazard = "falsy-result"
    confidence = 0.65
    reason = "replaces answers that are false"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ('        return result or "no output"', '        return "no output" if result is None else result'),
    )

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('of')}` of 0, False or nothing at all is replaced by "
            f"{element.value('default')}: `or` cannot tell such an answer from none."
        )

"""T126: two tools may end under one name, and then there is one."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
def renamed(offered, new_names):
    tools = {}
    for name, tool in offered.items():
        new_name = new_names.get(name, name)
        tools[new_name] = tool
    return tools
"""


class UncheckedRename(HazardRule):
    code = "T126"
    name = "unchecked-rename"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "Tools are put into a mapping under new names, and nobody asks whether one is taken."
    why = (
        "The later tool takes the place of the earlier one without a word. The model is offered one tool fewer, "
        "or calls the one and gets the other."
    )
    fix = "Test whether the name is in the mapping, and refuse the second one with both names."
    by_hand = "Which of the two tools keeps its name is a decision of whoever renames them."
    references = ("https://github.com/pydantic/pydantic-ai/pull/6462",)
    hazard = "unchecked-rename"
    confidence = 0.6
    reason = "takes whatever place the name has"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        (
            "        tools[new_name] = tool\n",
            "        if new_name in tools:\n"
            '            raise ValueError(f"{name} and another tool would both be called {new_name}")\n'
            "        tools[new_name] = tool\n",
        ),
    )

    def words(self, element: Element) -> str:
        return (
            f"A name that is looked up is put into `{element.value('into')}` whether or not it is taken: of two tools "
            "one is left."
        )

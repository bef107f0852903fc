"""T113: tools made in a loop all do what the last of them was to do."""

from collections.abc import Mapping

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules._query import names
from harnessfix.rules.base import Example
from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_TOOLS = """\
class Server:
    def __init__(self, client):
        self.client = client

    def tools(self):
        found = {}
        for listed in self.client.list_tools():
            found[listed.name] = lambda **arguments: self.client.call(listed.name, arguments)
        return found
"""


class LateBinding(HazardRule):
    code = "T113"
    name = "late-binding"
    keeps = Property.AUTHORITY
    severity = Severity.ERROR
    summary = "A function made in a loop reads the loop's variable when it is called, and so always the last value."
    why = (
        "Tools, callbacks and tasks that are made one for each item all work on the last item: the model calls "
        "`search` and `delete` runs. What runs is not what was offered or approved."
    )
    fix = (
        "Bind the value when the function is made: a default argument, `functools.partial`, or a function that makes "
        "it."
    )
    references = (
        "https://docs.python.org/3/faq/programming.html"
        "#why-do-lambdas-defined-in-a-loop-with-different-values-all-return-the-same-result",
        "https://docs.astral.sh/ruff/rules/function-uses-loop-variable/",
    )
    operator = "bind-loop-value"
    hazard = "late-binding"
    confidence = 0.75
    reason = "keeps a function that reads the loop's variable later"
    bad = Example(files={"server.py": _TOOLS})
    good = edited(
        bad,
        "server.py",
        (
            "lambda **arguments: self.client.call(listed.name, arguments)",
            "lambda name=listed.name, **arguments: self.client.call(name, arguments)",
        ),
    )

    def words(self, element: Element) -> str:
        read = ", ".join(f"`{name}`" for name in names(element.value("reads"))[:3])
        return (
            f"The function that is kept at {element.anchor.place} reads {read} when it is called, and the loop at line "
            f"{element.value('loop')} goes on changing it: every one made there sees the last value."
        )

    def parameters(self, element: Element) -> Mapping[str, JsonValue]:
        """The names that the function reads and the loop changes."""
        return {"reads": [*names(element.value("reads"))]}

"""T125: the arguments that a tool gets are not those that the model wrote."""

import json
from collections.abc import Iterator

from harnessfix.rules._calls import MAX_ARGUMENTS, argument_flaw, asked
from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules._once import once
from harnessfix.rules._way import Way
from harnessfix.rules.base import Example
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import ElementRole, Property, Severity

_BAD = """\
import json


def arguments_of(call):
    arguments = json.loads(call["arguments"])
    clean = {}
    for name, value in arguments.items():
        if isinstance(value, str) and value.strip().lower() == "null":
            clean[name] = None
        elif isinstance(value, str):
            clean[name] = value.strip()
        else:
            clean[name] = value
    return clean
"""


METHODS = {method.__name__: method for method in (str.strip, str.lstrip, str.rstrip, str.lower, str.upper, str.title)}


class TrimmedArgument(HazardRule):
    code = "T125"
    name = "trimmed-argument"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "Arguments of a call are trimmed or changed in case before the tool gets them."
    why = (
        "Indentation, a newline at the end and capitals are part of what the model asked for: of a file to be "
        "written, of text to be replaced, of a name. The tool does something else than was asked, and the model "
        "sees no reason."
    )
    fix = "Compare with a trimmed copy where that is needed, and hand on the value as it came."
    by_hand = "Some tools may have come to rely on trimmed values; which of them is not in this code."
    references = ("https://github.com/agno-agi/agno/pull/8131",)
    hazard = "trimmed-argument"
    confidence = 0.65
    reason = "changes what the model wrote"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("            clean[name] = value.strip()\n", "            clean[name] = value\n"),
    )

    def words(self, element: Element) -> str:
        return (
            f"The values of `{element.value('of')}` go through `{element.value('by')}` here: the tool gets another "
            "text than the model wrote."
        )

    def met(self, way: Way, anchor: Anchor) -> bool:
        """Where a model wrote a value that this changes."""
        found = way.model.in_function(anchor.path, anchor.qualname, ElementRole.HAZARD)
        ways = {str(each.value("by")) for each in found if each.name == self.hazard}
        return not ways <= METHODS.keys() or not ways.isdisjoint(_changing(way.run))


@once
def _changing(run: Htir) -> frozenset[str]:
    """The methods that make another text of one among the arguments of some call; all where nobody can say."""
    found: set[str] = set()
    for call in asked(run):
        if argument_flaw(call.arguments) is not None or len(call.arguments) > MAX_ARGUMENTS:
            return frozenset(METHODS)
        texts = list(_texts(json.loads(call.arguments)))
        found.update(way for way, changed in METHODS.items() if any(changed(text) != text for text in texts))
    return frozenset(found)


def _texts(value: object) -> Iterator[str]:
    """The texts in parsed JSON, however deep."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, (list, dict)):
            left.extend(each.values() if isinstance(each, dict) else each)

"""T128: an answer without items is taken for one of a special sort, because `all` of nothing is true."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Picture:
    def as_part(self):
        return {"type": "image", "data": self.data}


def observation(output):
    if isinstance(output, list) and all(isinstance(item, Picture) for item in output):
        return [item.as_part() for item in output]
    return str(output)
"""


class AllOfNothing(HazardRule):
    code = "T128"
    name = "all-of-nothing"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "A tool's empty list is taken for a list of special items, and the model is told nothing."
    why = (
        "`all(…)` over no items is true. A tool that found nothing and says so with `[]` is answered for as if it had "
        "returned images or other parts, of which there are none: the call has an empty result, which some providers "
        "refuse, and the model does not learn that there was nothing."
    )
    fix = "Ask for at least one item as well: `output and all(…)`."
    by_hand = "The condition may be written in several ways; asking for an item belongs in front of `all`."
    references = (
        "https://github.com/openai/openai-agents-python/pull/3554",
        "https://github.com/run-llama/llama_index/pull/22181",
    )
    hazard = "all-of-nothing"
    confidence = 0.65
    reason = "is true of an empty list"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad, "agent.py", ("if isinstance(output, list) and all(", "if isinstance(output, list) and output and all(")
    )

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('test')}` is true where `{element.value('items')}` is empty: an empty answer is not "
            "written out as other lists are, and nothing is left of it."
        )

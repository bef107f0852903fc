"""L138: a later configuration takes the place of an earlier one where both should count."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
def merged(*configs):
    whole = {"tags": [], "metadata": {}}
    for config in configs:
        for key, value in config.items():
            if key == "metadata":
                whole[key] = value.copy()
            else:
                whole[key] = value
    return whole
"""


class ReplacedWhole(HazardRule):
    code = "L138"
    name = "replaced-whole"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "Configurations are merged, and the mappings inside them are replaced whole by the last one."
    why = (
        "What was bound to the agent when it was made (a user, a tenant, tags, callbacks) is gone as soon as a call "
        "brings one entry of its own: nothing fails, and the run goes on as somebody else."
    )
    fix = "Merge the inner mapping with what is there already: `{**whole.get(key, {}), **value}`."
    by_hand = "Which of the inner values are to be joined, and in which order, is for their author."
    references = ("https://github.com/langchain-ai/langgraph/pull/7926",)
    hazard = "replaced-whole"
    confidence = 0.6
    reason = "drops what an earlier one said"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        ("                whole[key] = value.copy()\n", "                whole[key] = {**whole[key], **value}\n"),
    )

    def words(self, element: Element) -> str:
        return (
            f"Each mapping takes the place of what `{element.value('into')}` holds from the ones before: what only an "
            "earlier one said inside it is lost."
        )

"""L140: what was gathered so far is replaced by what came last, where it was to be extended."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
class Crew:
    async def run(self, tasks):
        outputs = []
        waiting = []
        for task in tasks:
            if task.in_background:
                waiting.append(self.start(task))
                continue
            if waiting:
                outputs = await self.results_of(waiting)
                waiting.clear()
            outputs.append(await self.result_of(task, outputs))
        return outputs
"""


class GatheredThenReplaced(HazardRule):
    code = "L140"
    name = "gathered-then-replaced"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "Results are gathered in a loop, and on one path they are replaced by the latest instead of extended."
    why = (
        "As long as the other path comes first, or alone, nothing is missing. Once something had been gathered "
        "before, it is gone without a word: later steps get less context, and the result holds only the tail."
    )
    fix = "Extend what was gathered."
    by_hand = "Whether what replaces it is a list of more or one more is known by what makes it."
    references = ("https://github.com/crewAIInc/crewAI/issues/4137",)
    hazard = "gathered-then-replaced"
    confidence = 0.7
    reason = "replaces what was gathered"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad, "agent.py", ("outputs = await self.results_of(waiting)", "outputs += await self.results_of(waiting)")
    )

    def words(self, element: Element) -> str:
        at = element.value("gathered-at")
        return (
            f"`{element.value('name')}` is gathered in this loop (line {at}), and here "
            f"`{element.value('by')}` takes its place: what had been gathered before is lost."
        )

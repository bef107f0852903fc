"""Model calls: which of the functions that ask a model a run's model calls were made by.

A framework brings a class for every provider. What one's own code does not reach asked nothing; of the others, the
provider that the step names leaves some, and of many that are left only the nearest few are kept. What still ties is
stated as a tie, and a large tie is not stated at all.
"""

import re
from collections.abc import Iterator

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Route

from .reach import Reach

MOST = 8
PROVIDERS = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "provider")
_WORD = re.compile(r"[a-z]{4,}")


class AskerRoute:
    """Ties a model call to the function that asks the model, when the harness leaves few to choose from.

    Args:
        model: the harness.
        reach: which of its functions can have run.
    """

    def __init__(self, model: HarnessModel, reach: Reach) -> None:
        own = {file.path for file in model.files if not file.base}
        asking = list(model.of_role(ElementRole.MODEL_CALL))
        near = [element for element in asking if reach.distance(element) is not None]
        mine = [element for element in asking if element.anchor.path in own]
        self.reach = reach
        self.elements = reach.nearest(near or mine or asking)
        self.why = ", reached from one's own code" if near and len(near) < len(asking) else ""

    def anchors(self, step: TraceStep) -> Iterator[Anchor]:
        """The functions that may have asked, nearest to one's own code first, as guesses."""
        found, why = self.elements, self.why
        if len(found) > 1:
            words = {word for name in PROVIDERS for word in _WORD.findall(str(step.attributes.get(name) or "").lower())}
            named = [element for element in found if any(word in _names_of(element) for word in words)]
            if named and len(named) < len(found):
                found, why = named, f"{why}, named like the provider"
        found = self.reach.few(found, MOST)
        among = "the only one that asks a model" if len(found) == 1 else f"one of {len(found)} that ask a model"
        for element in found:
            yield element.anchor.model_copy(
                update={
                    "route": Route.STATIC,
                    "evidence": Evidence.HEURISTIC,
                    "reason": among + why,
                    "ties": len(found),
                }
            )


def _names_of(element: Element) -> str:
    """Where the element stands, what it is called and what it calls, in lower case."""
    return f"{element.anchor.path} {element.anchor.qualname} {element.value('sdk') or ''}".lower()

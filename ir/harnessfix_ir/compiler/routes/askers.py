"""Model calls: which of the functions that ask a model a run's model calls were made by.

A framework brings a class for every provider. Those that nobody makes an object of asked nothing; of the others, the
provider that the step names leaves some. What still ties is stated as a tie, and a large tie is not stated at all.
"""

import re
from collections.abc import Iterable, Iterator

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Route

MOST = 3
PROVIDERS = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "provider")
_WORD = re.compile(r"[a-z]{4,}")


class AskerRoute:
    """Ties a model call to the function that asks the model, when the harness leaves few to choose from.

    Args:
        model: the harness.
    """

    def __init__(self, model: HarnessModel) -> None:
        own = {file.path for file in model.files if not file.base}
        asking = list(model.of_role(ElementRole.MODEL_CALL))
        mine = [element for element in asking if element.anchor.path in own]
        self.why, self.elements = "", mine or asking
        if len(self.elements) > 1:
            made_here = _named(call.callee for call in model.calls if call.caller.rpartition(":")[0] in own)
            made = _with_bases(model, made_here) if len(own) < len(model.files) else set()
            made = made or _with_bases(model, _named(call.callee for call in model.calls))
            used = [element for element in self.elements if _owner(element) in made or not _owner(element)]
            if used and len(used) < len(self.elements):
                self.why, self.elements = ", of a class that the harness makes an object of", used

    def anchors(self, step: TraceStep) -> Iterator[Anchor]:
        """The functions that may have asked, as guesses."""
        found, why = self.elements, self.why
        if len(found) > 1:
            words = {word for name in PROVIDERS for word in _WORD.findall(str(step.attributes.get(name) or "").lower())}
            named = [element for element in found if any(word in _names_of(element) for word in words)]
            if named and len(named) < len(found):
                found, why = named, f"{why}, named like the provider"
        if not 0 < len(found) <= MOST:
            return
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


def _owner(element: Element) -> str:
    """Name of the class that the function is a method of, empty for others."""
    owner = element.anchor.qualname.rpartition(".")[0]
    return owner.rpartition(".")[2] if element.value("in-model-class") else ""


def _named(callees: Iterable[str]) -> set[str]:
    return {callee.rpartition(".")[2] for callee in callees}


def _with_bases(model: HarnessModel, names: set[str]) -> set[str]:
    """Those of the names that are classes, and the classes they inherit from."""
    bases: dict[str, set[str]] = {}
    for element in model.of_role(ElementRole.CLASS):
        value = element.value("bases")
        bases.setdefault(element.name, set()).update(_named(map(str, value if isinstance(value, list) else ())))
    pending = [name for name in names if name in bases]
    found = set(pending)
    for name in pending:  # grows while it is walked
        pending.extend(base for base in bases.get(name, ()) if base not in found)
        found.update(bases.get(name, ()))
    return found

"""Names: a step called as a function is, an exception raised or caught by its type."""

from collections.abc import Iterable, Iterator

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Route, StepKind

MOST = 3
RAISE, EXCEPT = "raise ", "except "


class NameRoute:
    """Finds functions by their name, raises and handlers by their exception type; many of one name lead nowhere.

    Args:
        model: the harness.
    """

    def __init__(self, model: HarnessModel) -> None:
        self.functions: dict[str, list[Element]] = {}
        for element in model.of_role(ElementRole.FUNCTION):
            qualname = element.anchor.qualname
            for name in {qualname, qualname.rpartition(".")[2]}:
                self.functions.setdefault(name, []).append(element)
        self.raises: dict[str, list[Element]] = {}
        for element in model.of_role(ElementRole.RAISE):
            self.raises.setdefault(_short(element.value("type")), []).append(element)
        self.handlers: dict[str, list[Element]] = {}
        for element in model.of_role(ElementRole.HANDLER):
            types = element.value("catches")
            for each in types if isinstance(types, list) else ():
                self.handlers.setdefault(_short(each), []).append(element)
        self.broad = [*self.handlers.get("Exception", ()), *self.handlers.get("BaseException", ())]

    def anchors(self, step: TraceStep) -> Iterator[Anchor]:
        """Places that bear the name of the step or of its error."""
        if step.kind is StepKind.ERROR and step.name.startswith(EXCEPT):
            caught = _short(step.name.removeprefix(EXCEPT))
            yield from _tied(self.handlers.get(caught) or self.broad, f"catches {caught}")
            return
        if step.kind not in (StepKind.TOOL_CALL, StepKind.ERROR):
            yield from _tied(self.functions.get(step.name, ()), f"the function called {step.name!r}")
        raised = step.error.type if step.error is not None else ""
        if step.kind is StepKind.ERROR and not raised:
            raised = step.name.removeprefix(RAISE)
        if raised:
            yield from _tied(self.raises.get(_short(raised), ()), f"raises {_short(raised)}")


def _tied(elements: Iterable[Element], reason: str) -> Iterator[Anchor]:
    found = list(elements)
    if len(found) > MOST:
        return
    among = f", one of {len(found)}" if len(found) > 1 else ""
    for element in found:
        yield element.anchor.model_copy(
            update={"route": Route.STATIC, "evidence": Evidence.HEURISTIC, "reason": reason + among}
        )


def _short(name: object) -> str:
    return str(name or "").rpartition(".")[2]

"""Tool names: from a tool step to the function that is offered to the model under that name."""

from collections.abc import Iterator

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Route, StepKind

from .reach import Reach

MOST = 8


class RegistrationRoute:
    """Finds tools by the name they are registered under.

    Args:
        model: the harness.
        reach: which of its functions can have run; of several tools of one name those that can are meant.
    """

    def __init__(self, model: HarnessModel, reach: Reach) -> None:
        self.tools: dict[str, list[Element]] = {}
        for element in model.of_role(ElementRole.TOOL):
            name = element.value("tool-name")
            for known in {element.name, name if isinstance(name, str) else element.name}:
                self.tools.setdefault(known, []).append(element)
        self.tools = {name: reach.nearest(tools) for name, tools in self.tools.items()}
        self.registries: dict[str, list[Element]] = {}
        self.dispatchers: list[Element] = []
        for element in model.of_role(ElementRole.TOOL_REGISTRY):
            names = element.value("tools")
            for name in names if isinstance(names, list) else ():
                self.registries.setdefault(str(name), []).append(element)
            if element.fact("lookup"):
                self.dispatchers.append(element)
        self.dispatchers = reach.nearest(self.dispatchers)

    def anchors(self, step: TraceStep) -> Iterator[Anchor]:
        """Registrations of the step's tool; for a name that nothing registers, the lookup that missed it."""
        if step.kind is not StepKind.TOOL_CALL:
            return
        tools = self.tools.get(step.name, [])
        ran = {(anchor.path, anchor.qualname) for anchor in step.anchors}
        for tool in tools[:MOST]:
            if ran and len(tools) > 1 and (tool.anchor.path, tool.anchor.qualname) not in ran:
                continue  # the run itself says which of them it was
            reason = f"the tool {step.name!r}" + (f", one of {len(tools)} of that name" if len(tools) > 1 else "")
            evidence = Evidence.OBSERVED if len(tools) == 1 else Evidence.DERIVED
            yield _tied(tool, evidence, reason).model_copy(update={"ties": 1 if ran else len(tools)})
        for registry in self.registries.get(step.name, ())[:1]:
            yield _tied(registry, Evidence.DERIVED, f"registers the tool {step.name!r}")
        if not tools and step.name not in self.registries and not step.anchors:
            for dispatcher in self.dispatchers[:1]:
                yield _tied(dispatcher, Evidence.HEURISTIC, f"looks tools up; none is called {step.name!r}")


def _tied(element: Element, evidence: Evidence, reason: str) -> Anchor:
    return element.anchor.model_copy(update={"route": Route.TOOL_REGISTRATION, "evidence": evidence, "reason": reason})

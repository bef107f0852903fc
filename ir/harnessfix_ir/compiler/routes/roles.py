"""Roles: when nothing better is known, the only elements of the harness that do what the step did."""

from collections.abc import Iterator

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Route, StepKind

from .reach import Reach

MOST_LOOPS = 3
_ROLE_OF = {
    StepKind.TASK: ElementRole.AGENT_LOOP,
    StepKind.PARSE: ElementRole.PARSER,
    StepKind.CONTEXT_BUILD: ElementRole.CONTEXT_BUILDER,
    StepKind.MEMORY: ElementRole.MEMORY,
    StepKind.VERIFY: ElementRole.VERIFIER,
    StepKind.GUARD: ElementRole.APPROVAL,
    StepKind.SUBMIT: ElementRole.SUBMISSION,
}


class RoleRoute:
    """Ties a step to the elements of its role: to the only or nearest one, or to a few agent loops, else to none.

    Args:
        model: the harness.
        reach: which of its functions can have run.
    """

    def __init__(self, model: HarnessModel, reach: Reach) -> None:
        self.candidates: dict[StepKind, tuple[list[Element], str]] = {}
        for kind, role in _ROLE_OF.items():
            elements = _own(model, list(model.of_role(role)))
            few = reach.few(elements, MOST_LOOPS if role is ElementRole.AGENT_LOOP else 1)
            what = role.value.replace("_", " ")
            if len(few) == 1:
                self.candidates[kind] = few, f"the {'only' if len(elements) == 1 else 'nearest'} {what} of this harness"
            elif few:
                self.candidates[kind] = few, f"one of {len(few)} {what}s"

    def anchors(self, step: TraceStep) -> Iterator[Anchor]:
        """The elements that do what this step did, as guesses."""
        found, reason = self.candidates.get(step.kind, ((), ""))
        for element in found:
            yield element.anchor.model_copy(
                update={"route": Route.STATIC, "evidence": Evidence.HEURISTIC, "reason": reason, "ties": len(found)}
            )


def _own(model: HarnessModel, elements: list[Element]) -> list[Element]:
    """Of several elements those below the root that was named first: one's own code, before the framework's."""
    own = {file.path for file in model.files if not file.base}
    return [element for element in elements if element.anchor.path in own] or elements

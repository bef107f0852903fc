"""Roles: when nothing better is known, the only element of the harness that does what the step did."""

from collections.abc import Iterator

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Route, StepKind

_ROLE_OF = {
    StepKind.TASK: ElementRole.AGENT_LOOP,
    StepKind.MODEL_CALL: ElementRole.MODEL_CALL,
    StepKind.PARSE: ElementRole.PARSER,
    StepKind.CONTEXT_BUILD: ElementRole.CONTEXT_BUILDER,
    StepKind.MEMORY: ElementRole.MEMORY,
    StepKind.VERIFY: ElementRole.VERIFIER,
    StepKind.GUARD: ElementRole.APPROVAL,
    StepKind.SUBMIT: ElementRole.SUBMISSION,
}


class RoleRoute:
    """Ties a step to the one element of its role; where there are several, to none.

    Args:
        model: the harness.
    """

    def __init__(self, model: HarnessModel) -> None:
        self.only: dict[StepKind, Element] = {}
        for kind, role in _ROLE_OF.items():
            elements = list(model.of_role(role))
            if len(elements) == 1:
                self.only[kind] = elements[0]

    def anchors(self, step: TraceStep) -> Iterator[Anchor]:
        """The only element that does what this step did, as a guess."""
        element = self.only.get(step.kind)
        if element is not None:
            yield element.anchor.model_copy(
                update={
                    "route": Route.STATIC,
                    "evidence": Evidence.HEURISTIC,
                    "reason": f"the only {element.role.value.replace('_', ' ')} of this harness",
                }
            )

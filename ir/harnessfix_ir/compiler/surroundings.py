"""What is around an exception: the steps it happened in, and where the same exception was raised before."""

from collections.abc import Iterator, Mapping

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, Route, StepKind

from .routes.names import EXCEPT

MOST_AROUND = 100


class Surroundings:
    """Steps that came before, where they ran, and where each exception was first raised.

    Args:
        texts: digest to text.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._steps: dict[str, TraceStep] = {}
        self._ran: dict[str, list[Anchor]] = {}
        self._raised: dict[tuple[str, str], tuple[tuple[Anchor, ...], TraceStep]] = {}

    def add(self, step: TraceStep, best: tuple[Anchor, ...], asked: list[Anchor]) -> None:
        """The next step, with its anchors."""
        self._steps[step.id] = step
        if best:
            self._ran[step.id] = asked or [best[0]]
        key = _raises(step)
        if key is not None:
            self._raised.setdefault(key, (best, step))

    def raised(self, step: TraceStep) -> tuple[Anchor, ...]:
        """Where the exception of a step was raised, as far as that is known."""
        found = self._raised_for(step)
        return found[0] if found is not None else ()

    def before(self, step: TraceStep) -> Iterator[Anchor]:
        """The places of the same exception where it was raised before: it is raised again on its way out."""
        key = _raises(step)
        first = self._raised.get(key) if key is not None else None
        if first is not None:
            for anchor in first[0]:
                yield anchor.model_copy(
                    update={"evidence": Evidence.HEURISTIC, "reason": f"raised again after {first[1].id}"}
                )

    def in_tool(self, step: TraceStep) -> bool:
        """Whether the exception of a step was raised while a tool ran, or is caught in one."""
        found = self._raised_for(step)
        raised = found[1] if found is not None else step
        return any(outer.kind is StepKind.TOOL_CALL for outer in self._outer(raised))

    def inherited(self, step: TraceStep) -> Iterator[Anchor]:
        """The places of the nearest step around an exception, as guesses at where it came from."""
        for outer in self._outer(step):
            if outer.id in self._ran:
                yield from (_inherited(anchor, outer.id) for anchor in self._ran[outer.id])
                return

    def _raised_for(self, step: TraceStep) -> "tuple[tuple[Anchor, ...], TraceStep] | None":
        """The step that raised what this one caught: of the same type and with the same message."""
        if not step.name.startswith(EXCEPT):
            return None
        message = step.error.message if step.error is not None else ""
        if step.output:
            message = self._texts.get(step.output[0].text, "")
        return self._raised.get((_short(step.name.removeprefix(EXCEPT)), message))

    def _outer(self, step: TraceStep) -> Iterator[TraceStep]:
        """The steps around a step, innermost first, as far as they came before it."""
        outer = self._steps.get(step.parent or "")
        for _ in range(MOST_AROUND):
            if outer is None:
                return
            yield outer
            outer = self._steps.get(outer.parent or "")


def _raises(step: TraceStep) -> tuple[str, str] | None:
    """Type and message of the exception that a step raised."""
    if step.kind is not StepKind.ERROR or step.error is None or step.name.startswith(EXCEPT):
        return None
    return _short(step.error.type), step.error.message


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _inherited(anchor: Anchor, step: str) -> Anchor:
    """The place of the step around an exception, as a guess at where it came from."""
    return anchor.model_copy(
        update={"route": Route.STATIC, "evidence": Evidence.HEURISTIC, "reason": f"raised or caught inside {step}"}
    )

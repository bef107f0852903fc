"""What is around an exception: the steps it happened in, and where the same exception was raised before."""

from collections.abc import Iterator, Mapping

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, Route, StepKind

from .routes.names import EXCEPT


class Surroundings:
    """Steps that came before, where they ran, and where each exception was first raised.

    Args:
        texts: digest to text.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._in_tool: set[str] = set()  # steps that are tool calls, or happened in one
        # For each step the nearest around it, itself counted, whose place is known.
        self._ran: dict[str, tuple[str, list[Anchor]]] = {}
        self._raised: dict[tuple[str, str], tuple[tuple[Anchor, ...], TraceStep]] = {}

    def add(self, step: TraceStep, best: tuple[Anchor, ...], asked: list[Anchor]) -> None:
        """The next step, with its anchors."""
        if step.kind is StepKind.TOOL_CALL or step.parent in self._in_tool:
            self._in_tool.add(step.id)
        if best:
            self._ran[step.id] = step.id, asked or [best[0]]
        elif step.parent in self._ran:
            self._ran[step.id] = self._ran[step.parent]
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
        return raised.parent in self._in_tool

    def inherited(self, step: TraceStep) -> Iterator[Anchor]:
        """The places of the nearest step around an exception, as guesses at where it came from."""
        if step.parent in self._ran:
            outer, places = self._ran[step.parent]
            yield from (_inherited(anchor, outer) for anchor in places)

    def _raised_for(self, step: TraceStep) -> "tuple[tuple[Anchor, ...], TraceStep] | None":
        """The step that raised what this one caught: of the same type and with the same message."""
        if step.kind is not StepKind.ERROR or not step.name.startswith(EXCEPT):
            return None
        message = step.error.message if step.error is not None else ""
        if step.output:
            message = self._texts.get(step.output[0].text, "")
        return self._raised.get((_short(step.name.removeprefix(EXCEPT)), message))


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

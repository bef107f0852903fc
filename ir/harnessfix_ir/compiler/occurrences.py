"""Where texts come into being and where they are used.

A *production* is a text that a step gave off: its output, its error message, or what it was given and handed on to the
steps inside it. A *sink* is a text that a step was given, or that harness code made from other texts, and whose
origin is to be found. Of a resent history only the fresh parts of a request are sinks.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from harnessfix_ir.steps import ErrorInfo, Part, TraceStep
from harnessfix_ir.vocabulary import StepKind

from .requests import Request
from .textids import TextIds
from .view import RunView

IN, OUT, ERROR = "in", "out", "error"
CAUSES = 20

# Steps of plain harness code: what they give off is made from what was there before.
RENDERING = frozenset(
    {
        StepKind.CONTEXT_BUILD,
        StepKind.PARSE,
        StepKind.SUBMIT,
        StepKind.HANDOFF,
        StepKind.MEMORY,
        StepKind.VERIFY,
        StepKind.LIFECYCLE,
        StepKind.TASK,
    }
)
# Steps that reach into the world: their outputs can only be made from what happened inside them.
WRAPPING = frozenset({StepKind.TOOL_CALL, StepKind.RETRIEVAL})


class Production(NamedTuple):
    """A text given off at `position` by part `part` of `side` of a step."""

    position: int
    step: int
    side: str
    part: int


class Sink(NamedTuple):
    """A text used at `position`; characters before `fresh_from` were in the request before."""

    position: int
    step: int
    side: str
    part: int
    text: int
    fresh_from: int = 0


def productions(view: RunView, ids: TextIds) -> dict[int, list[Production]]:
    """For every text number its productions, earliest first."""
    found: dict[int, list[Production]] = {}

    def add(text: int, production: Production) -> None:
        if ids.text[text]:
            found.setdefault(text, []).append(production)

    for i in view.order:
        step = view.steps[i]
        hands_on = step.kind is not StepKind.MODEL_CALL and bool(view.children[i])
        if hands_on or step.kind in (StepKind.TASK, StepKind.HANDOFF):
            for number, part in enumerate(step.input):
                if part.role not in ("assistant", "tool") and part.kind == "text":
                    add(ids.of(part.text), Production(view.begin[i], i, IN, number))
        for number, part in enumerate(step.output):
            add(ids.of(part.text), Production(view.end[i], i, OUT, number))
        for number, error in enumerate(_causes(step.error)):
            add(ids.add(error.message), Production(view.end[i], i, ERROR, number))
    for places in found.values():
        places.sort(key=lambda place: place.position)
    return found


def _causes(error: ErrorInfo | None) -> Iterator[ErrorInfo]:
    for _ in range(CAUSES):
        if error is None:
            return
        yield error
        error = error.cause


def sinks(view: RunView, ids: TextIds, requests: Iterable[Request]) -> list[Sink]:
    """All sinks in order of position."""
    by_step = {request.step: request for request in requests}
    found = []
    for i, step in enumerate(view.steps):
        if step.kind is StepKind.MODEL_CALL:
            request = by_step[i]
            for number in request.fresh:
                text = ids.of(step.input[number].text)
                found.append(Sink(view.begin[i], i, IN, number, text, request.grown_from.get(number, 0)))
        else:
            for number, part in enumerate(step.input):
                found.append(Sink(view.begin[i], i, IN, number, ids.of(part.text)))
            if step.kind in RENDERING or (step.kind in WRAPPING and view.children[i]):
                for number, part in enumerate(step.output):
                    found.append(Sink(view.end[i], i, OUT, number, ids.of(part.text)))
    found = [sink for sink in found if ids.text[sink.text]]
    found.sort(key=lambda sink: sink.position)
    return found


def part_of(step: TraceStep, sink: Sink) -> Part:
    """The part that a sink stands for."""
    return (step.input if sink.side == IN else step.output)[sink.part]


def may_feed(view: RunView, source: Production, sink: Sink) -> bool:
    """Whether a production can be where a sink's text comes from: strictly earlier, and within reach of it."""
    if source.step == sink.step or source.position >= sink.position:
        return False
    within = view.inside(source.step, sink.step)
    if source.side == IN:
        kind = view.steps[source.step].kind
        return view.inside(sink.step, source.step) or kind in (StepKind.TASK, StepKind.HANDOFF)
    if sink.side == OUT and view.steps[sink.step].kind in WRAPPING and not within:
        return False
    return within or view.ended_before(source.step, sink.step)

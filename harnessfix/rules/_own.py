"""The code that a step ran, and the model calls inside one another."""

from collections.abc import Iterator, Sequence

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Route, StepKind

from ._errors import Frame
from ._once import once
from ._query import ancestors, function_of

# Where a step was called (its stack) is known better than where it ran, but what ran is what a rule speaks of.
_OWN_FIRST = {Route.PROBE: 0, Route.CODE_ATTRIBUTE: 1, Route.TOOL_REGISTRATION: 2}


def own_anchors(step: TraceStep) -> tuple[Anchor, ...]:
    """The step's anchors, those of the code that ran before those of its caller."""
    if len(step.anchors) < 2:
        return step.anchors
    return tuple(sorted(step.anchors, key=lambda anchor: _OWN_FIRST.get(anchor.route, len(_OWN_FIRST))))


def nearest_own(run: Htir, step: TraceStep) -> tuple[Anchor, ...]:
    """`own_anchors` of the step, or of the innermost step around it that has any."""
    return next((own_anchors(s) for s in (step, *ancestors(run, step)) if s.anchors), ())


def own_function(model: HarnessModel, step: TraceStep) -> Element | None:
    """The function that the step is one call of, as far as its anchors say."""
    return next((function for anchor in own_anchors(step)[:1] if (function := function_of(model, anchor))), None)


def calls_of(run: Htir, model: HarnessModel, symbol: str) -> Iterator[TraceStep]:
    """The steps that are one call of a function (`path:qualname`), in order of start."""
    for step in run.steps:
        function = own_function(model, step)
        if function is not None and function.anchor.symbol == symbol:
            yield step


def callers_told(step: TraceStep) -> list[tuple[str, str]]:
    """Path and qualified name of the functions that the step was called from, nearest first, as the run tells them."""
    return [(frame.path, frame.function) for frame in frames_told(step)]


def frames_told(step: TraceStep) -> list[Frame]:
    """The lines of the harness that the step was called from, nearest first, as the run tells them."""
    frames = step.attributes.get("called_from")
    named = [f for f in frames if isinstance(f, list) and len(f) > 1] if isinstance(frames, list) else []
    lines = (frame[2] if len(frame) > 2 else None for frame in named)
    return [
        Frame(str(frame[0]), line if isinstance(line, int) else None, str(frame[1]))
        for frame, line in zip(named, lines, strict=True)
    ]


def callers_of(model: HarnessModel, step: TraceStep, most: int = 3) -> list[Element]:
    """The functions of the harness that the step was called from, nearest first, as far as the run tells them."""
    found = (model.function(*symbol) for symbol in callers_told(step))
    return [function for function in found if function is not None][:most]


def beginning_of(model: HarnessModel, step: TraceStep) -> Element | None:
    """The method by which what the step is part of was begun: the outermost of its class that led to it."""
    function = own_function(model, step)
    if function is None or not owner_of(function):
        return function
    for caller in callers_of(model, step):
        if caller.anchor.path != function.anchor.path or owner_of(caller) != owner_of(function):
            break
        function = caller
    return function


def owner_of(element: Element) -> str:
    """The class, or the function, that what the element stands in is defined in; empty for the module."""
    return element.anchor.qualname.rpartition(".")[0]


def own_elements(model: HarnessModel, step: TraceStep, *roles: ElementRole) -> list[Element]:
    """Elements of these roles in the function that the step ran, and that function's own."""
    function = own_function(model, step)
    return [] if function is None else model.in_function(function.anchor.path, function.anchor.qualname, *roles)


def is_model_step(step: TraceStep) -> bool:
    """Whether the step asked a model, itself or as one attempt of a model call around it."""
    return step.kind is StepKind.MODEL_CALL or step.attributes.get("role") == ElementRole.MODEL_CALL.value


def model_steps(run: Htir, request: TraceStep) -> Sequence[TraceStep]:
    """A model call, the wrappers around it and the attempts inside it, outermost first."""
    known = _model_steps(run)
    if request.id not in known:
        around = [step for step in ancestors(run, request) if is_model_step(step)]
        inside = [step for step in run.descendants(request.id) if is_model_step(step)]
        known[request.id] = (*reversed(around), request, *inside)
    return known[request.id]


@once
def _model_steps(run: Htir) -> dict[str, Sequence[TraceStep]]:
    return {}  # filled as it is asked for


@once
def outermost_tools(run: Htir) -> Sequence[TraceStep]:
    """Tool calls that happened inside no other one, in order of start."""
    calls = run.of_kind(StepKind.TOOL_CALL)
    return [step for step in calls if tool_call_around(run, step) is None]


def loop_around(run: Htir, model: HarnessModel, step: TraceStep) -> Element | None:
    """The agent loop that the step happened in: the first one of the innermost function around it that has one."""
    for outer in (step, *ancestors(run, step)):
        found = own_elements(model, outer, ElementRole.AGENT_LOOP)
        if found:
            return found[0]
    return None


def tool_call_around(run: Htir, step: TraceStep) -> TraceStep | None:
    """The innermost tool call that a step is in."""
    return next((outer for outer in ancestors(run, step) if outer.kind is StepKind.TOOL_CALL), None)


def asking_functions(run: Htir, model: HarnessModel, request: TraceStep) -> list[Element]:
    """The functions that a reply came through on its way into the harness, outermost first, those of one file.

    What a provider's client returned is turned into the harness's own form in the file that calls the client; wrappers
    in other files only pass it on.
    """
    steps = model_steps(run, request)
    functions = [function for step in steps if (function := own_function(model, step)) is not None]
    inner = functions[-1].anchor.path if functions else ""
    return list({f.id: f for f in functions if f.anchor.path == inner}.values())

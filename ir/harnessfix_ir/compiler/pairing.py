"""Which tool step carries out which call of a model turn: by call id, else by name, arguments and order.

Call ids are not unique in real sessions, so an id is only good within reach: the latest turn that asked for it and has
not been answered yet.
"""

import json
from collections import defaultdict
from dataclasses import dataclass

from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.vocabulary import Evidence, StepKind

from .textids import TextIds
from .view import RunView

LONGEST_ARGUMENTS = 200_000


@dataclass(frozen=True)
class Pairing:
    """A call and the step that ran it.

    Args:
        turn, part: index of the model call, and which of its output parts is the call.
        tool: index of the tool step.
        evidence: observed by call id, derived by name and arguments, heuristic by name and order alone.
    """

    turn: int
    part: int
    tool: int
    evidence: Evidence


@dataclass
class _Open:
    """A call that no tool step has taken up yet."""

    turn: int
    part: int
    call: Part


def pair_calls(view: RunView, ids: TextIds) -> list[Pairing]:
    """Pairings in order of the tool steps."""
    waiting: dict[str, list[_Open]] = defaultdict(list)
    pairings: list[Pairing] = []
    events = sorted(
        [(view.end[i], i) for i in view.order if view.steps[i].kind is StepKind.MODEL_CALL]
        + [(view.begin[i], i) for i in view.order if view.steps[i].kind is StepKind.TOOL_CALL]
    )
    for _, i in events:
        step = view.steps[i]
        if step.kind is StepKind.MODEL_CALL:
            calls = [_Open(i, n, part) for n, part in enumerate(step.output) if part.kind == "tool_call"]
            if calls:
                waiting[view.agent_of[i]] = calls
        elif not _inside_tool(view, i):
            found = _take(view, ids, i, waiting)
            if found is not None:
                pairings.append(found)
    return pairings


def _inside_tool(view: RunView, i: int) -> bool:
    parent = view.parent[i]
    return parent >= 0 and view.steps[parent].kind is StepKind.TOOL_CALL


def _take(view: RunView, ids: TextIds, i: int, waiting: dict[str, list[_Open]]) -> Pairing | None:
    step, agent = view.steps[i], view.agent_of[i]
    call_id = step.call_id
    if call_id:
        for queue in (waiting[agent], *(calls for other, calls in waiting.items() if other != agent)):
            for place in queue:
                if place.call.call_id == call_id:
                    queue.remove(place)
                    return Pairing(place.turn, place.part, i, Evidence.OBSERVED)
    queue = [place for place in waiting[agent] if not (call_id and place.call.call_id)]
    named = [place for place in queue if place.call.name in (None, step.name)]
    for place in named:
        if _same_arguments(step, ids.held(place.call), ids):
            waiting[agent].remove(place)
            return Pairing(place.turn, place.part, i, Evidence.DERIVED)
    if named:
        waiting[agent].remove(named[0])
        return Pairing(named[0].turn, named[0].part, i, Evidence.HEURISTIC)
    return None


def _same_arguments(step: TraceStep, asked: str, ids: TextIds) -> bool:
    """Whether a tool step was given what a call asks for: as one JSON text, or as one part for each argument."""
    wanted = loaded(asked)
    if len(step.input) == 1:
        value = loaded(ids.held(step.input[0]))
        if value == wanted or is_wrapped(wanted, value):
            return True
    given = {part.name or "": ids.held(part) for part in step.input}
    if not isinstance(wanted, dict) or not given or not wanted.keys() >= given.keys():
        return False
    return all(text == wanted[name] or loaded(text) == wanted[name] for name, text in given.items())


def is_wrapped(wanted: object, value: object) -> bool:
    """Whether a record holds the arguments of a call: under some key, or as `args` and `kwargs`."""
    if not wanted or not isinstance(wanted, dict) or not isinstance(value, dict):
        return False
    args, kwargs = value.get("args"), value.get("kwargs")
    if isinstance(args, list) and isinstance(kwargs, dict) and same_json([*args, *kwargs.values()], [*wanted.values()]):
        return True
    return any(same_json(inner, wanted) for inner in value.values())


def same_json(one: object, other: object) -> bool:
    """Whether two JSON values are equal, truth values and numbers told apart."""
    return one == other and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def loaded(text: str) -> object:
    """The JSON value of a text, the text itself where it is none or too long."""
    if len(text) > LONGEST_ARGUMENTS:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text

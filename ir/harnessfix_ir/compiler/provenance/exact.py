"""Exact provenance: a sink whose whole text is a text that an earlier step gave off, found by equality alone."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from harnessfix_ir.compiler.occurrences import ERROR, IN, OUT, Production, Sink, may_feed, part_of
from harnessfix_ir.compiler.pairing import Pairing
from harnessfix_ir.compiler.requests import Request
from harnessfix_ir.compiler.textids import TextIds
from harnessfix_ir.compiler.view import RunView
from harnessfix_ir.vocabulary import Evidence, StepKind

TRIVIAL = 8
LOOK_BACK = 16
# Steps of harness code between a tool and the request: what they hand on is theirs, even if it is the same text.
HANDLING = frozenset({StepKind.CONTEXT_BUILD, StepKind.MEMORY, StepKind.HANDOFF, StepKind.GUARD, StepKind.VERIFY})
FEEDING = HANDLING | {StepKind.TOOL_CALL, StepKind.RETRIEVAL}


class ExactLink(NamedTuple):
    """A sink and the production that is the same text."""

    source: Production
    sink: Sink
    evidence: Evidence


class Neighbours:
    """Which steps a sink is expected to take its text from: call ids, the turn before, the tools since, the caller.

    Such a tie lets even a short text be linked, and says which of several equal texts is meant.
    """

    def __init__(self, view: RunView, requests: Iterable[Request], pairings: Iterable[Pairing]) -> None:
        self.view = view
        self.request_at = {request.step: request for request in requests}
        self.turn_of = {pairing.tool: pairing for pairing in pairings}
        self.tools_of: dict[int, list[int]] = {}
        for pairing in self.turn_of.values():
            self.tools_of.setdefault(pairing.turn, []).append(pairing.tool)
        self._by_call_id: dict[str, list[tuple[int, int]]] = {}
        for i in view.order:
            step = view.steps[i]
            if step.kind is StepKind.TOOL_CALL:
                known = self.turn_of.get(i)
                call = view.steps[known.turn].output[known.part].call_id if known else None
                for call_id in {step.call_id, call} - {None}:
                    self._by_call_id.setdefault(str(call_id), []).append((view.end[i], i))
        for places in self._by_call_id.values():
            places.sort()
        self._feeders = self._find_feeders()
        self._since = self._previous_calls()
        self._near: dict[int, list[int]] = {}

    def _previous_calls(self) -> dict[int, int]:
        """For every model call, the end of the one that its tools came after."""
        view = self.view
        last: dict[tuple[str, int], int] = {}
        since = {}
        for request in self.request_at.values():
            key = view.agent_of[request.step], view.task_of[request.step]
            since[request.step] = view.end[request.previous.step] if request.previous else last.get(key, 0)
            last[key] = view.end[request.step]
        return since

    def _find_feeders(self) -> dict[tuple[str, int], list[tuple[int, int]]]:
        """Steps that requests are made from and that no tool step encloses, by agent and task: (end, step) in order."""
        view = self.view
        found: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for i in view.order:
            parent = view.parent[i]
            if view.steps[i].kind in FEEDING and (parent < 0 or view.steps[parent].kind is not StepKind.TOOL_CALL):
                found.setdefault((view.agent_of[i], view.task_of[i]), []).append((view.end[i], i))
        for places in found.values():
            places.sort()
        return found

    def answered_by(self, sink: Sink) -> int | None:
        """The tool step that a tool result names by its call id."""
        part = part_of(self.view.steps[sink.step], sink)
        if not part.call_id or part.kind == "tool_call":
            return None
        places = self._by_call_id.get(part.call_id, [])
        at = bisect_left(places, (sink.position, -1))
        return places[at - 1][1] if at else None

    def since_previous(self, step: int) -> list[int]:
        """Steps of the same agent and task, fit to be sent on, that ended since the conversation's previous request."""
        if step not in self._near:
            self._near[step] = self._ended_since_previous(step)
        return self._near[step]

    def _ended_since_previous(self, step: int) -> list[int]:
        view = self.view
        since = self._since.get(step)
        if since is None:
            return []
        places = self._feeders.get((view.agent_of[step], view.task_of[step]), [])
        low, high = bisect_left(places, (since, -1)), bisect_left(places, (view.begin[step], -1))
        return [i for _, i in places[low:high]]

    def expected(self, sink: Sink) -> list[tuple[int, Evidence]]:
        """Steps that the sink's text should come from, the surest first."""
        view, step = self.view, self.view.steps[sink.step]
        if step.kind is StepKind.MODEL_CALL:
            return self._expected_in_request(sink)
        pairing = self.turn_of.get(sink.step)
        if pairing is not None and sink.side == IN:
            return [(pairing.turn, pairing.evidence)]
        siblings = view.children[view.parent[sink.step]] if view.parent[sink.step] >= 0 else view.roots
        at = bisect_left(siblings, sink.step)
        near = siblings[max(at - 1, 0) : at]
        if step.kind is StepKind.TOOL_CALL and near and view.steps[near[0]].kind is StepKind.TOOL_CALL:
            near = []
        if sink.side == IN and view.parent[sink.step] >= 0:
            near = [*near, view.parent[sink.step]]
        elif sink.side == OUT and view.children[sink.step]:
            near = [view.children[sink.step][-1]]
        return [(i, Evidence.HEURISTIC) for i in near]

    def _expected_in_request(self, sink: Sink) -> list[tuple[int, Evidence]]:
        part = part_of(self.view.steps[sink.step], sink)
        request = self.request_at[sink.step]
        if part.role == "assistant":
            return [] if request.previous is None else [(request.previous.step, Evidence.DERIVED)]
        if part.role == "system":
            return []
        near = self.since_previous(sink.step)
        answered = self.answered_by(sink)
        if answered is None:
            return [(i, Evidence.HEURISTIC) for i in near]
        made = [i for i in near if self.view.steps[i].kind in HANDLING]
        return [(answered, Evidence.OBSERVED), *((i, Evidence.HEURISTIC) for i in made)]


def exact_links(
    view: RunView,
    ids: TextIds,
    sinks: Sequence[Sink],
    produced: Mapping[int, Sequence[Production]],
    neighbours: Neighbours,
) -> tuple[list[ExactLink], list[Sink]]:
    """Links by equality of whole texts, nearest producer first, and the sinks that are left.

    Several equal texts of one step are given to as many producers in order; a text shorter than `TRIVIAL` characters
    is linked only to a step that it is expected to come from.
    """
    links: list[ExactLink] = []
    left: list[Sink] = []
    taken: dict[tuple[int, int], set[Production]] = {}
    for sink in sinks:
        places = produced.get(sink.text, ())
        used = taken.setdefault((sink.step, sink.text), set()) if places else set()
        found = _nearest(view, ids, sink, places, neighbours, used) if places else None
        if found is None:
            left.append(sink)
        else:
            used.add(found.source)
            links.append(found)
    return links, left


def _nearest(
    view: RunView,
    ids: TextIds,
    sink: Sink,
    places: Sequence[Production],
    neighbours: Neighbours,
    used: set[Production],
) -> ExactLink | None:
    expected = dict(reversed(neighbours.expected(sink)))
    trivial = len(ids.text[sink.text].strip()) < TRIVIAL
    at = bisect_left(places, sink.position, key=lambda place: place.position)
    usable = [place for place in places[max(at - LOOK_BACK, 0) : at] if may_feed(view, place, sink)]
    tied = [place for place in usable if place.step in expected and place not in used]
    handled = _handled(view, sink, tied if trivial else usable, used)
    direct = [place for place in tied if place not in handled]
    if handled and not (direct and direct[-1].position > handled[-1].position):
        place = next((place for place in handled if place.step in expected), handled[-1])
        return ExactLink(place, sink, Evidence.HEURISTIC if trivial else Evidence.DERIVED)
    if direct:
        place = direct[0] if expected[direct[0].step] is Evidence.HEURISTIC else direct[-1]
        evidence = expected[place.step]
        if evidence is Evidence.HEURISTIC and not trivial:
            evidence = Evidence.DERIVED
        return ExactLink(place, sink, evidence)
    if trivial:
        return None
    fresh = [place for place in usable if place not in used and _fits(view, place, sink)]
    own = [place for place in fresh if view.steps[place.step].kind is not StepKind.LIFECYCLE] or fresh
    return ExactLink(own[-1], sink, Evidence.DERIVED) if own else None


def _handled(view: RunView, sink: Sink, places: Sequence[Production], used: set[Production]) -> list[Production]:
    """Of the places that may feed a request, those where harness code made the text or handed it on."""
    if view.steps[sink.step].kind is not StepKind.MODEL_CALL:
        return []
    return [
        place for place in places if place.side == OUT and place not in used and view.steps[place.step].kind in HANDLING
    ]


def _fits(view: RunView, place: Production, sink: Sink) -> bool:
    """Whether the roles agree: what an assistant is said to have said comes from a model or from code."""
    part = part_of(view.steps[sink.step], sink)
    kind = view.steps[place.step].kind
    if view.steps[sink.step].kind is StepKind.MODEL_CALL and part.role == "assistant":
        return kind is not StepKind.TOOL_CALL
    if part.kind == "tool_result" or part.role == "tool":
        return place.side == ERROR or kind is not StepKind.MODEL_CALL
    return True

"""Requests of one conversation: what each model call adds to the one before it.

An agent resends its history, so call n holds messages 1…n-1 and the new ones. Compared with the previous request of
the same conversation, a request has a *prefix* that is unchanged, *fresh* parts, and parts that were *dropped*. When
the prefix does not hold the whole previous request, the chain is broken: context was rewritten there, which is
evidence in itself.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from harnessfix_ir.prefix import common_prefix
from harnessfix_ir.steps import Part, StepEvent
from harnessfix_ir.vocabulary import StepKind

from .extent import agree_forward
from .textids import TextIds
from .view import RunView

PREFIX_BROKEN = "prefix_broken"
SYSTEM_ROLES = frozenset(("system", "developer"))
OPEN_CONVERSATIONS = 8
GROWN = 0.9


@dataclass
class Request:
    """One model call's input, compared with the request before it.

    Args:
        step: index of the model call.
        previous: the request before it in the conversation, None for its first.
        prefix: number of leading parts that are the same in both.
        fresh: part numbers that the previous request did not hold.
        dropped: part numbers of the previous request that this one does not hold.
        grown_from: fresh part number to the number of leading characters it shares with the part it replaced.
    """

    step: int
    previous: "Request | None" = None
    prefix: int = 0
    fresh: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    grown_from: dict[int, int] = field(default_factory=dict)
    conversation: int = 0


def chain_requests(view: RunView, ids: TextIds) -> list[Request]:
    """The requests of all model calls in order, each tied to the one before it in its conversation."""
    open_conversations: dict[tuple[str, int], list[Request]] = {}
    requests: list[Request] = []
    count = 0
    for i in view.order:
        step = view.steps[i]
        if step.kind is not StepKind.MODEL_CALL:
            continue
        last_requests = open_conversations.setdefault((view.agent_of[i], view.task_of[i]), [])
        request = _continue(view, ids, i, last_requests)
        if request.previous is not None:
            last_requests.remove(request.previous)
            request.conversation = request.previous.conversation
        else:
            request.conversation = count
            count += 1
        last_requests.insert(0, request)
        del last_requests[OPEN_CONVERSATIONS:]
        requests.append(request)
    return requests


def _continue(view: RunView, ids: TextIds, i: int, last_requests: Sequence[Request]) -> Request:
    parts = view.steps[i].input
    for last in last_requests:
        before = view.steps[last.step].input
        prefix = _resent(before, parts)
        if prefix == len(before) and any(part.role not in SYSTEM_ROLES for part in before):
            return Request(i, last, prefix, list(range(prefix, len(parts))))
    for last in last_requests:
        before = view.steps[last.step].input
        prefix = _resent(before, parts)
        request = _compare(ids, i, last, prefix, before, parts)
        if _goes_on(view, ids, request, before, parts):
            return request
    return Request(i, fresh=list(range(len(parts))))


def _resent(first: tuple[Part, ...], second: tuple[Part, ...]) -> int:
    """Number of leading parts that say the same in both, whatever else was recorded of them."""
    at = common_prefix(first, second)
    length = min(len(first), len(second))
    while at < length and (first[at].text, first[at].role) == (second[at].text, second[at].role):
        at += 1
    return at


def _compare(
    ids: TextIds, i: int, last: Request, prefix: int, before: tuple[Part, ...], parts: tuple[Part, ...]
) -> Request:
    left = Counter(ids.of(part.text) for part in before[prefix:])
    fresh = []
    for number in range(prefix, len(parts)):
        text = ids.of(parts[number].text)
        if left[text] > 0:
            left[text] -= 1
        else:
            fresh.append(number)
    dropped = []
    for number in range(len(before) - 1, prefix - 1, -1):
        text = ids.of(before[number].text)
        if left[text] > 0:
            left[text] -= 1
            dropped.append(number)
    dropped.reverse()
    request = Request(i, last, prefix, fresh, dropped)
    for number in fresh:
        if number < len(before) and number in dropped and parts[number].role == before[number].role:
            shared = agree_forward(ids.held(before[number]), 0, ids.held(parts[number]), 0)
            if shared:
                request.grown_from[number] = shared
    return request


def _goes_on(view: RunView, ids: TextIds, request: Request, before: tuple[Part, ...], parts: tuple[Part, ...]) -> bool:
    """Whether the request goes on with that conversation: it keeps a message, grows one, or holds the last answer."""
    if len(parts) - len(request.fresh) > sum(part.role in SYSTEM_ROLES for part in before[: request.prefix]):
        kept = set(range(len(parts))).difference(request.fresh)
        if any(parts[n].role not in SYSTEM_ROLES and len(ids.held(parts[n])) > 1 for n in kept):
            return True
    for number, shared in request.grown_from.items():
        length = len(ids.held(before[number]))
        if before[number].role not in SYSTEM_ROLES and length >= 64 and shared >= GROWN * length:
            return True
    assert request.previous is not None
    answer = {ids.of(part.text) for part in view.steps[request.previous.step].output}
    return any(
        parts[n].role == "assistant" and ids.of(parts[n].text) in answer and ids.held(parts[n]) for n in request.fresh
    )


def prefix_events(view: RunView, requests: Sequence[Request], ids: TextIds) -> dict[int, StepEvent]:
    """For every request that rewrites its history: an event that says where it first differs."""
    events = {}
    for request in requests:
        if request.previous is None:
            continue
        before, parts = view.steps[request.previous.step].input, view.steps[request.step].input
        at = request.prefix
        if at == len(before):
            continue
        offset = 0
        if at < len(parts):
            offset = agree_forward(ids.held(before[at]), 0, ids.held(parts[at]), 0)
        events[request.step] = StepEvent(
            name=PREFIX_BROKEN,
            attributes={
                "previous": view.steps[request.previous.step].id,
                "part": at,
                "offset": offset,
                "parts_before": len(before),
                "parts": len(parts),
                "dropped": len(request.dropped),
            },
        )
    return events

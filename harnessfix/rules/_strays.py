"""Tool results that stand in a request without the call that they answer."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import ErrorInfo, Part, TraceStep

from ._once import once
from ._query import grown_inputs, requests
from ._refusals import permanent

MOST_CHARS = 2000  # of a refusal that are looked at
# A call of a tool, and that it is not there.
_CALL = re.compile(r"tool[ _-]?(calls?|use)|function[ _-]calls?|call_?id", re.IGNORECASE)
_LACKS = re.compile(r"\b(no|not found|without|missing|preceding|previous|corresponding|unknown)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Stray:
    """A result whose call is known to the run and not in front of it.

    Args:
        request: that holds it, the first one.
        result: the part of the request.
        asking: the reply that made the call.
        was_sent: whether an earlier request held the call; then the history was cut, else the reply was never kept.
    """

    request: TraceStep
    result: Part
    asking: TraceStep
    was_sent: bool


@dataclass(frozen=True)
class Refused:
    """A request that a provider refused because a result in it has no call.

    Args:
        request: it.
        result: the part that answers no call in it.
        error: what the provider said.
    """

    request: TraceStep
    result: Part
    error: ErrorInfo


@once
def refused_stray(run: Htir) -> Refused | None:
    """The first such request, also where the call was made in an earlier run that this one goes on from."""
    for request in requests(run):
        error = permanent(request.error)
        result = _without_call(request) if error is not None else None
        if error is not None and result is not None and _speaks_of(error, result):
            return Refused(request, result, error)
    return None


def _without_call(request: TraceStep) -> Part | None:
    """The first result in a request that answers no call in it, as far as calls have ids and the history is sent."""
    calls = [part for part in request.input if part.kind == "tool_call"]
    if not any(part.role == "assistant" for part in request.input) or any(not part.call_id for part in calls):
        return None
    asked = {part.call_id for part in calls}
    results = (part for part in request.input if part.kind == "tool_result" and part.call_id)
    return next((part for part in results if part.call_id not in asked), None)


def _speaks_of(error: ErrorInfo, result: Part) -> bool:
    """Whether a refusal is about that result: it has its id, or says that a call is not there."""
    said = error.message[:MOST_CHARS]
    named = bool(result.call_id) and str(result.call_id) in said
    return named or (_CALL.search(said) is not None and _LACKS.search(said) is not None)


@once
def strays(run: Htir) -> Sequence[Stray]:
    """Each such result once, in order of request."""
    return tuple(_strays(run))


def _strays(run: Htir) -> Iterator[Stray]:
    asked: dict[str, TraceStep] = {}
    sent: set[str] = set()
    told: set[str] = set()
    pairings: dict[str, _Pairing] = {}
    for request, before, parts in grown_inputs(run):
        pairing = pairings.pop(before.id) if before is not None else _Pairing()
        pairings[request.id] = pairing
        pairing.read(parts)
        for call, part in pairing.without_call.items():
            if call in asked and call not in told:
                told.add(call)
                yield Stray(request, part, asked[call], call in sent)
        sent.update(part.call_id for part in parts if part.kind == "tool_call" and part.call_id)
        asked |= {part.call_id: request for part in request.output if part.kind == "tool_call" and part.call_id}


class _Pairing:
    """Results of a conversation that stand in it without a call before them, by the call's id."""

    def __init__(self) -> None:
        self._calls: set[str] = set()
        self.without_call: dict[str, Part] = {}

    def read(self, parts: Iterable[Part]) -> None:
        """Go on with these parts."""
        for part in parts:
            if not part.call_id:
                continue
            if part.kind == "tool_call":
                self._calls.add(part.call_id)
            elif part.call_id not in self._calls and "tool" in (part.role, part.kind.partition("_")[0]):
                self.without_call.setdefault(part.call_id, part)

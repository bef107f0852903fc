"""Tool results that stand in a request without the call that they answer."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import Part, TraceStep

from ._once import once
from ._query import grown_inputs


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

"""What functions of a recording returned, to be given again in place of calling them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .expand import Expander
from .lines import SpanLines, SpoolDocument, mapping, read_lines, string

MODEL, TOOL = "model_call", "tool"


@dataclass(frozen=True)
class Replies:
    """Returned values by function.

    Args:
        given: `path:qualname` to what it returned, call by call: `value` as JSON and `tuples`, the places in it that
            are tuples.
        lost: `path:qualname` to why what it returned cannot be given again.
    """

    given: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    lost: Mapping[str, str] = field(default_factory=dict)


def replies_of(data: bytes, *, models: bool = True, tools: bool = False) -> Replies:
    """What the model functions of a recording returned, those that call no other; and its outermost tools where asked.

    A function of which one call cannot be given again is not given at all: half of a script is another script.

    Args:
        data: the recording.
        models, tools: what is wanted.
    """
    document = read_lines(data, "recording")
    expander = Expander(document.texts, document.lists, document.values)
    given: dict[str, list[Mapping[str, Any]]] = {}
    lost: dict[str, str] = {}
    for place, span in _wanted(document, models, tools):
        reason, reply = _reply(span, expander)
        if reason:
            lost.setdefault(place, reason)
        given.setdefault(place, []).append(reply)
    return Replies({place: tuple(told) for place, told in given.items() if place not in lost}, lost)


def _wanted(document: SpoolDocument, models: bool, tools: bool) -> Iterator[tuple[str, SpanLines]]:
    """The spans, in order, and the function of each."""
    role = {span.id: _role(document, span) for span in document.spans.values()}
    above_model = {
        above
        for span in document.spans.values()
        if role[span.id] == MODEL
        for above in _above(document, span)
        if role.get(above) == MODEL
    }
    for span in sorted(document.spans.values(), key=lambda span: span.order):
        inner = models and role[span.id] == MODEL and span.id not in above_model
        outer = tools and role[span.id] == TOOL and not any(role.get(up) == TOOL for up in _above(document, span))
        if inner or outer:
            element = document.element(span.start.get("e"))
            yield f"{element.get('path')}:{element.get('fn')}", span


def _role(document: SpoolDocument, span: SpanLines) -> str:
    """The role of a span's function; empty for a call of something else."""
    element = document.element(span.start.get("e"))
    return "" if element.get("site") is True or "runner" in element else str(element.get("role", ""))


def _above(document: SpoolDocument, span: SpanLines) -> Iterator[str]:
    seen = {span.id}
    up = span.up
    while up is not None and up not in seen:
        yield up
        seen.add(up)
        around = document.spans.get(up)
        up = None if around is None else around.up


def _reply(span: SpanLines, expander: Expander) -> tuple[str, Mapping[str, Any]]:
    """Why it cannot be given again, empty when it can; and what is given."""
    end = span.end
    if end is None:
        return "the program ended inside it", {}
    if "exc" in end:
        return f"it raised {string(mapping(end['exc']).get('type')) or 'an exception'}", {}
    if "value" not in end:
        return "" if end.get("closed") is not True else "it was closed", {"value": None, "tuples": []}
    tuples = end.get("again")
    if not isinstance(tuples, list):
        return "what it returned is more than plain data", {}
    value = expander.expand(end["value"])
    lacking = expander.take_lacking()
    return (lacking[0] if lacking else "", {"value": value, "tuples": tuples})

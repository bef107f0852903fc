"""Spans of the program's own instrumentation, as drafts: read by the dialect that they are written in."""

from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.dialects import normalise
from harnessfix_collectors.histories import MessagePool
from harnessfix_collectors.merge import SCOPE
from harnessfix_collectors.otlp import OtlpSpan, SpanEvent
from harnessfix_collectors.otlp.assemble import code_anchors, error_of, lacking, left_of, status_of
from harnessfix_ir.document import JsonValue
from harnessfix_ir.steps import StepEvent

from .draft import Draft, frames, line_anchor
from .expand import Expander
from .inside import log_event
from .lines import SpanLines, integer, mapping, string

UNSAMPLED = "otel.unsampled"
"""The attribute of a step whose span the program's own sampler left out: its exporters did not get it."""


def telemetry_draft(span: SpanLines, pool: MessagePool, expander: Expander) -> Draft:
    """The step that a span of an instrumentation is.

    Args:
        span: its lines.
        pool: where texts go.
        expander: of the document.
    """
    told = _span(span, expander)
    normal = normalise(told, pool)
    draft = Draft(
        key=span.id,
        up=span.up,
        order=span.order,
        kind=normal.kind,
        name=normal.name,
        started_ns=told.start_ns,
        ended_ns=told.end_ns,
        agent=normal.agent,
        input=normal.input,
        output=normal.output,
        status=status_of(told, normal),
        error=error_of(told, normal),
        finish_reason=normal.finish_reason,
        usage=normal.usage,
        anchors=list(code_anchors(told)),
        events=[StepEvent(name=each.name, time_ns=each.time_ns, attributes=each.attributes) for each in told.events],
        attributes=left_of(told, normal, pool),
        missing=list(lacking(told, normal)),
    )
    draft.attributes[SCOPE] = told.scope or "unnamed"
    if mapping(span.start.get("otel")).get("unsampled") is True:
        draft.attributes[UNSAMPLED] = True
    callers = frames(span.start.get("stack"))
    if callers:
        draft.attributes["called_from"] = [list(frame) for frame in callers]
        draft.anchors.append(line_anchor(callers[0], "the harness line that led to the span"))
    draft.missing.extend(expander.take_lacking())
    return draft


def _span(span: SpanLines, expander: Expander) -> OtlpSpan:
    first, last = mapping(span.start.get("otel")), mapping((span.end or {}).get("otel"))
    message = expander.expand(last.get("message"))
    attributes: dict[str, JsonValue] = {}
    for line in (span.start, *span.more, span.end or {}):
        attributes |= _attributes(expander.expand(mapping(line.get("otel")).get("attributes")))
    return OtlpSpan(
        trace_id="",
        span_id=span.id,
        parent_id=span.up or "",
        name=string(last.get("name")) or string(first.get("name")) or "?",
        start_ns=integer(span.start.get("time")),
        end_ns=integer((span.end or {}).get("time")),
        attributes=attributes,
        events=tuple(sorted(_all_events(span, expander), key=lambda event: event.time_ns or 0)),
        status=integer(last.get("status")) or 0,
        status_message=message if isinstance(message, str) else "",
        scope=string(first.get("scope")) or "",
    )


def _all_events(span: SpanLines, expander: Expander) -> Iterator[SpanEvent]:
    """Events of the span itself, and the log records that were written in it."""
    for line in (*span.more, span.end or {}):
        yield from _events(mapping(line.get("otel")).get("events"), expander)
    for line in span.inside:
        if line.get("t") == "log":
            event = log_event(line, expander)
            yield SpanEvent(event.name, event.time_ns, event.attributes)


def _events(value: Any, expander: Expander) -> Iterator[SpanEvent]:
    for event in value if isinstance(value, list) else ():
        told = mapping(event)
        attributes = _attributes(expander.expand(told.get("attributes")))
        yield SpanEvent(string(told.get("name")) or "", integer(told.get("time")), attributes)


def _attributes(value: Any) -> dict[str, JsonValue]:
    return {key: item for key, item in mapping(value).items() if item is not None}

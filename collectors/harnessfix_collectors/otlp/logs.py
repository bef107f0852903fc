"""Log records join the spans they were written in: exceptions and message contents of GenAI are log events."""

from collections.abc import Iterable
from dataclasses import replace

from harnessfix_ir.texts import digest

from .span import LogRecord, OtlpSpan, SpanEvent

ERROR = 17
"""The severity number from which on a record is an error."""


def attach_logs(traces: dict[str, dict[str, OtlpSpan]], logs: Iterable[LogRecord], filename: str) -> None:
    """Make each record an event of its span, of the trace's first span when its own is not there, or a step of its own.

    Args:
        traces: spans by trace id and span id; changed in place.
        logs: records in any order.
        filename: names the run of records that belong to no trace.
    """
    of_span: dict[tuple[str, str], list[SpanEvent]] = {}
    alone: list[LogRecord] = []
    for record in logs:
        members = traces.get(record.trace_id)
        if members:
            span_id = record.span_id if record.span_id in members else next(iter(members))
            event = SpanEvent(record.name or "log", record.time_ns, record.attributes)
            of_span.setdefault((record.trace_id, span_id), []).append(event)
        else:
            alone.append(record)
    for (trace_id, span_id), events in of_span.items():
        span = traces[trace_id][span_id]
        traces[trace_id][span_id] = replace(span, events=tuple(sorted((*span.events, *events), key=_when)))
    for number, record in enumerate(alone, 1):
        span = _span(record, number, filename)
        traces.setdefault(span.trace_id, {})[span.span_id] = span


def _span(record: LogRecord, number: int, filename: str) -> OtlpSpan:
    """A record of a trace that is not in the file, as a span without length."""
    return OtlpSpan(
        trace_id=record.trace_id or digest(f"logs of {filename}"),
        span_id=f"log-{number}",
        parent_id="",
        name=record.name or "log",
        start_ns=record.time_ns,
        end_ns=record.time_ns or 0,
        attributes=record.attributes,
        status=2 if record.severity >= ERROR else 0,
        status_message=str(record.attributes.get("body") or "") if record.severity >= ERROR else "",
        resource=record.resource,
    )


def _when(event: SpanEvent) -> int:
    return event.time_ns or 0

"""OTLP protobuf to spans. Needs `opentelemetry-proto`; import it only where there are such messages."""

from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from harnessfix_ir.document import JsonValue

from .again import one_of
from .frames import Signal
from .span import OtlpSpan, SpanEvent

MAX_DEPTH = 64
SAMPLED = 1
"""The flag of a record whose trace is sampled."""
UNSAMPLED = ": they do not say that their trace was sampled"
COUNTS = (("attributes", "attributes"), ("events", "events"), ("links", "links"))


def spans_of_messages(messages: Iterable[tuple[Signal, bytes]]) -> Iterator[OtlpSpan]:
    """Spans of serialised `TracesData` and `LogsData`, log records as events of the span that they were written in.

    A span that came twice counts once (`again.py`). Records whose span did not come make a span of their own, which
    says so.

    Raises:
        google.protobuf.message.DecodeError: a message is none.
    """
    spans: dict[tuple[str, str], OtlpSpan] = {}
    records: dict[tuple[str, str], dict[tuple[str, int | None, str], SpanEvent]] = defaultdict(dict)
    resources: dict[tuple[str, str], dict[str, JsonValue]] = {}
    sampled: set[tuple[str, str]] = set()
    for signal, message in messages:
        if signal == "logs":
            for key, event, resource, flags in _records(LogsData.FromString(message)):
                records[key].setdefault(_same(event), event)
                resources.setdefault(key, resource)
                if flags & SAMPLED:
                    sampled.add(key)
            continue
        for span in _spans(TracesData.FromString(message)):
            held = spans.get((span.trace_id, span.span_id))
            spans[span.trace_id, span.span_id] = span if held is None else one_of(held, span)
    for key, events in records.items():
        home = spans.get(key)
        if home is None:
            spans[key] = _orphan(key, list(events.values()), resources[key], sampled=key in sampled)
        else:
            spans[key] = _with(home, events.values())
    yield from spans.values()


def _same(event: SpanEvent) -> tuple[str, int | None, str]:
    """What tells one record from another: a client that sends again sends the same."""
    return event.name, event.time_ns, repr(event.attributes)


def _with(span: OtlpSpan, events: Iterable[SpanEvent]) -> OtlpSpan:
    together = sorted([*span.events, *events], key=lambda event: event.time_ns or 0)
    return replace(span, events=tuple(together))


def _orphan(
    key: tuple[str, str], events: list[SpanEvent], resource: dict[str, JsonValue], *, sampled: bool
) -> OtlpSpan:
    times = [event.time_ns for event in events if event.time_ns]
    return OtlpSpan(
        trace_id=key[0],
        span_id=key[1] or "0" * 16,
        parent_id="",
        name="log records",
        start_ns=min(times, default=None),
        end_ns=max(times, default=None),
        attributes={},
        events=tuple(events),
        resource=resource,
        dropped=("the span that these log records were written in did not come" + ("" if sampled else UNSAMPLED),),
    )


def _spans(data: Any) -> Iterator[OtlpSpan]:
    for resource_spans in data.resource_spans:
        resource = attributes_of(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            scope = scope_spans.scope.name
            more = _about(resource_spans, scope_spans)
            for span in scope_spans.spans:
                yield _span(span, scope, more, resource)


def _about(of_resource: Any, of_scope: Any) -> dict[str, JsonValue]:
    """What a scope says besides its name, under the same keys as from JSON."""
    scope = of_scope.scope
    about: dict[str, JsonValue] = {
        "scope_version": scope.version,
        "scope_attributes": attributes_of(scope.attributes),
        "schema_url": of_scope.schema_url,
        "resource_schema_url": of_resource.schema_url,
    }
    return {key: value for key, value in about.items() if value}


def _rest(span: Any) -> dict[str, JsonValue]:
    """What a span says that is no field of `OtlpSpan`."""
    rest: dict[str, JsonValue] = {"kind": span.kind, "traceState": span.trace_state, "flags": span.flags}
    rest["links"] = [
        {
            "traceId": link.trace_id.hex(),
            "spanId": link.span_id.hex(),
            "traceState": link.trace_state,
            "attributes": attributes_of(link.attributes),
        }
        for link in span.links
    ]
    return {key: value for key, value in rest.items() if value}


def _span(span: Any, scope: str, more: dict[str, JsonValue], resource: dict[str, JsonValue]) -> OtlpSpan:
    dropped = [
        f"{number} {word} dropped by the SDK"
        for field, word in COUNTS
        if (number := getattr(span, f"dropped_{field}_count"))
    ]
    start, end = span.start_time_unix_nano or None, span.end_time_unix_nano or None
    if start and end and end < start:
        dropped.append("it ends before it starts: the clock was set back meanwhile")
    return OtlpSpan(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() if any(span.parent_span_id) else "",
        name=span.name,
        start_ns=start,
        end_ns=end,
        attributes=attributes_of(span.attributes),
        events=tuple(
            SpanEvent(event.name, event.time_unix_nano or None, attributes_of(event.attributes))
            for event in span.events
        ),
        status=span.status.code,
        status_message=span.status.message,
        scope=scope,
        resource=resource,
        dropped=tuple(dropped),
        extra={**more, **_rest(span)},
    )


def _records(data: Any) -> Iterator[tuple[tuple[str, str], SpanEvent, dict[str, JsonValue], int]]:
    for resource_logs in data.resource_logs:
        resource = attributes_of(resource_logs.resource.attributes)
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                attributes = attributes_of(record.attributes)
                body = value_of(record.body)
                if isinstance(body, dict):
                    attributes = {**body, **attributes}
                elif body is not None:
                    attributes.setdefault("body", body)
                if record.severity_text or record.severity_number:
                    attributes.setdefault("severity", record.severity_text or record.severity_number)
                name = record.event_name or attributes.get("event.name") or "log"
                time_ns = record.time_unix_nano or record.observed_time_unix_nano or None
                key = (record.trace_id.hex(), record.span_id.hex())
                yield key, SpanEvent(str(name), time_ns, attributes), resource, record.flags


def attributes_of(items: Iterable[Any]) -> dict[str, JsonValue]:
    """KeyValue messages as a dictionary; entries without a key are left out, empty values become None."""
    return {item.key: value_of(item.value) for item in items if item.key}


def value_of(value: Any, depth: int = 0) -> JsonValue:
    """An AnyValue as a plain value; None for an empty one (some exporters send them). Depth is bounded."""
    kind = value.WhichOneof("value")
    if kind is None or depth > MAX_DEPTH:
        return None
    if kind == "array_value":
        return [value_of(item, depth + 1) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: value_of(item.value, depth + 1) for item in value.kvlist_value.values}
    if kind == "bytes_value":
        return b64encode(value.bytes_value).decode("ascii")
    plain: JsonValue = getattr(value, kind)
    return plain

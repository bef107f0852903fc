"""OTLP/JSON to protobuf messages, so that all that follows knows one form.

Format: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding: hex ids, 64-bit integers as strings or
numbers, enums as numbers (their names are taken too), lowerCamelCase; unknown keys are ignored. protobuf's own
`json_format` expects ids in base64, refuses a request for one bad field, and is ten times slower.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from .answers import Refused, Report
from .shapes import Shape

MAX_DEPTH = 64
INT64, UINT64, UINT32 = 2**63 - 1, 2**64 - 1, 2**32 - 1


def message_of_json(body: bytes, shape: Shape, report: Report) -> Any:
    """The request that a JSON body spells.

    Args:
        body: UTF-8.
        shape: of the signal.
        report: gets the items that cannot be spelled in protobuf, with the reason; the others are kept.

    Raises:
        Refused: the body is not JSON, or not of that signal.
    """
    resources, scopes, items = shape.json
    document = _document(body)
    if not isinstance(document.get(resources), list):
        raise Refused(f"the JSON has no list `{resources}`")
    make = _span if shape.items == "spans" else _record
    request = shape.request()
    for raw_resource in _objects(document[resources]):
        outer = getattr(request, shape.resources).add(schema_url=_text(raw_resource.get("schemaUrl")))
        resource = _object(raw_resource.get("resource"))
        outer.resource.attributes.extend(_attributes(resource.get("attributes")))
        for raw_scope in _objects(raw_resource.get(scopes)):
            inner = getattr(outer, shape.scopes).add(schema_url=_text(raw_scope.get("schemaUrl")))
            inner.scope.CopyFrom(_scope(_object(raw_scope.get("scope"))))
            kept = getattr(inner, shape.items)
            for raw in _objects(raw_scope.get(items)):
                try:
                    kept.append(make(raw))
                except (ValueError, TypeError) as error:
                    report.problems[str(error)] += 1
    return request


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Refused(f"the JSON is not UTF-8, at byte {error.start}") from None
    except RecursionError:
        raise Refused("the JSON is nested too deeply") from None
    except ValueError as error:
        raise Refused(f"the body is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise Refused("the JSON is not an object")
    return document


def _span(raw: dict[str, Any]) -> Span:
    status = _object(raw.get("status"))
    return Span(
        trace_id=_id(raw.get("traceId"), "traceId"),
        span_id=_id(raw.get("spanId"), "spanId"),
        parent_span_id=_id(raw.get("parentSpanId"), "parentSpanId"),
        trace_state=_text(raw.get("traceState")),
        flags=_number(raw.get("flags"), UINT32),
        name=_text(raw.get("name")),
        kind=_enum(raw.get("kind"), Span.SpanKind),
        start_time_unix_nano=_number(raw.get("startTimeUnixNano")),
        end_time_unix_nano=_number(raw.get("endTimeUnixNano")),
        attributes=_attributes(raw.get("attributes")),
        dropped_attributes_count=_number(raw.get("droppedAttributesCount"), UINT32),
        events=[
            Span.Event(
                time_unix_nano=_number(event.get("timeUnixNano")),
                name=_text(event.get("name")),
                attributes=_attributes(event.get("attributes")),
            )
            for event in _objects(raw.get("events"))
        ],
        dropped_events_count=_number(raw.get("droppedEventsCount"), UINT32),
        links=[
            Span.Link(
                trace_id=_id(link.get("traceId"), "traceId of a link"),
                span_id=_id(link.get("spanId"), "spanId of a link"),
                trace_state=_text(link.get("traceState")),
                attributes=_attributes(link.get("attributes")),
            )
            for link in _objects(raw.get("links"))
        ],
        dropped_links_count=_number(raw.get("droppedLinksCount"), UINT32),
        status=Status(message=_text(status.get("message")), code=_enum(status.get("code"), Status.StatusCode)),
    )


def _record(raw: dict[str, Any]) -> LogRecord:
    return LogRecord(
        time_unix_nano=_number(raw.get("timeUnixNano")),
        observed_time_unix_nano=_number(raw.get("observedTimeUnixNano")),
        severity_number=_enum(raw.get("severityNumber"), SeverityNumber),
        severity_text=_text(raw.get("severityText")),
        body=_value(raw.get("body")),
        attributes=_attributes(raw.get("attributes")),
        dropped_attributes_count=_number(raw.get("droppedAttributesCount"), UINT32),
        flags=_number(raw.get("flags"), UINT32),
        trace_id=_id(raw.get("traceId"), "traceId"),
        span_id=_id(raw.get("spanId"), "spanId"),
        event_name=_text(raw.get("eventName")),
    )


def _scope(raw: dict[str, Any]) -> InstrumentationScope:
    return InstrumentationScope(
        name=_text(raw.get("name")), version=_text(raw.get("version")), attributes=_attributes(raw.get("attributes"))
    )


def _attributes(raw: Any) -> list[KeyValue]:
    return [
        KeyValue(key=_text(item["key"]), value=_value(item.get("value"))) for item in _objects(raw) if "key" in item
    ]


def _value(raw: Any, depth: int = 0) -> AnyValue:
    if depth > MAX_DEPTH:
        raise ValueError(f"a value is nested deeper than {MAX_DEPTH}")
    for key, value in _object(raw).items():
        match key:
            case "stringValue":
                return AnyValue(string_value=_text(value))
            case "boolValue":
                return AnyValue(bool_value=value is True or value == "true")
            case "intValue":
                return AnyValue(int_value=min(_integer(value), INT64))
            case "doubleValue":
                return AnyValue(double_value=_double(value))
            case "arrayValue":
                values = [_value(item, depth + 1) for item in _list(_object(value).get("values"))]
                return AnyValue(array_value=ArrayValue(values=values))
            case "kvlistValue":
                pairs = [
                    KeyValue(key=_text(item.get("key")), value=_value(item.get("value"), depth + 1))
                    for item in _objects(_object(value).get("values"))
                ]
                return AnyValue(kvlist_value=KeyValueList(values=pairs))
            case "bytesValue":
                return AnyValue(bytes_value=_bytes(value))
    return AnyValue()


def _bytes(raw: Any) -> bytes:
    try:
        return base64.b64decode(_text(raw), validate=True)
    except ValueError:
        raise ValueError("a bytesValue is not base64") from None


def _id(raw: Any, field: str) -> bytes:
    text = _text(raw)
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"{field} is not hexadecimal") from None


def _number(raw: Any, most: int = UINT64) -> int:
    """A count or a time; what cannot be one is 0, which means unknown."""
    try:
        number = _integer(raw)
    except ValueError:
        return 0
    return number if 0 <= number <= most else 0


def _integer(raw: Any) -> int:
    try:
        number = int(raw)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("an integer value is no integer") from None
    if not -(2**63) <= number <= UINT64:
        raise ValueError("an integer has more than 64 bits")
    return number


def _double(raw: Any) -> float:
    try:
        return float(raw)
    except (TypeError, ValueError):
        raise ValueError("a doubleValue is no number") from None


def _enum(raw: Any, names: Any) -> Any:
    if isinstance(raw, str) and raw in names.keys():  # noqa: SIM118 - an EnumTypeWrapper is no mapping
        return names.Value(raw)
    number = _number(raw, UINT32)
    return number if number in names.values() else 0


def _text(raw: Any) -> str:
    # A lone surrogate, which JSON can spell and UTF-8 cannot, would refuse the whole message.
    return "" if raw is None else str(raw).encode("utf-8", "replace").decode("utf-8")


def _object(raw: Any) -> dict[str, Any]:
    return raw if isinstance(raw, dict) else {}


def _list(raw: Any) -> list[Any]:
    return raw if isinstance(raw, list) else []


def _objects(raw: Any) -> Iterator[dict[str, Any]]:
    return (item for item in _list(raw) if isinstance(item, dict))

"""OTLP/JSON to spans and log records.

Format: the OpenTelemetry file exporter's (https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/): hex ids,
64-bit integers as strings, enums as numbers, camelCase; unknown keys are ignored.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from harnessfix_ir.document import JsonValue

from .span import LogRecord, OtlpSpan, SpanEvent

MAX_DEPTH = 64
READ = frozenset(
    [
        "traceId",
        "spanId",
        "parentSpanId",
        "name",
        "startTimeUnixNano",
        "endTimeUnixNano",
        "attributes",
        "events",
        "status",
        "droppedAttributesCount",
        "droppedEventsCount",
        "droppedLinksCount",
    ]
)
READ_OF_LOG = frozenset(["traceId", "spanId", "timeUnixNano", "attributes", "body", "eventName", "severityNumber"])


def spans_of(document: Any, trouble: Callable[[str], None]) -> Iterator[OtlpSpan]:
    """Spans of one `TracesData` object.

    Args:
        document: parsed JSON.
        trouble: told of each span that is malformed, with the field; the others are read.

    Raises:
        ValueError: it is not a `TracesData` object.
    """
    for scope, more, resource, number, span in _members(document, "resourceSpans", "scopeSpans", "spans"):
        try:
            yield _span(span, scope, more, resource)
        except (ValueError, TypeError) as error:
            trouble(f"span {number} of scope {scope or 'unnamed'}: {error}; the span was skipped")


def logs_of(document: Any, trouble: Callable[[str], None]) -> Iterator[LogRecord]:
    """Log records of one `LogsData` object; arguments and errors as for `spans_of`."""
    for scope, more, resource, number, record in _members(document, "resourceLogs", "scopeLogs", "logRecords"):
        try:
            yield _log(record, scope, more, resource)
        except (ValueError, TypeError) as error:
            trouble(f"log record {number} of scope {scope or 'unnamed'}: {error}; it was skipped")


def _members(
    document: Any, outer: str, middle: str, inner: str
) -> Iterator[tuple[str, dict[str, JsonValue], dict[str, JsonValue], int, dict[str, Any]]]:
    """Scope name, what else the scope says, resource, number, and the object itself."""
    if not isinstance(document, dict) or not isinstance(document.get(outer), list):
        raise ValueError(f"no {outer} list")
    for of_resource in _objects(document[outer]):
        resource = attributes_of(_object(of_resource.get("resource")).get("attributes"))
        urls = {"resource_schema_url": of_resource.get("schemaUrl")}
        for of_scope in _objects(of_resource.get(middle)):
            scope = _object(of_scope.get("scope"))
            about = {
                "scope_version": scope.get("version"),
                "scope_attributes": attributes_of(scope.get("attributes")),
                "schema_url": of_scope.get("schemaUrl"),
                **urls,
            }
            more = {key: value for key, value in about.items() if value}
            for number, member in enumerate(_objects(of_scope.get(inner)), 1):
                yield str(scope.get("name") or ""), more, resource, number, member


def _log(raw: dict[str, Any], scope: str, more: dict[str, JsonValue], resource: dict[str, JsonValue]) -> LogRecord:
    attributes = attributes_of(raw.get("attributes"))
    body = value_of(raw.get("body"))
    name = str(raw.get("eventName") or attributes.get("event.name") or "")
    if isinstance(body, dict):
        attributes = {**body, **attributes}
    elif body is not None:
        attributes["body"] = body
    attributes |= {key: value for key, value in raw.items() if key not in READ_OF_LOG and value}
    if more:
        attributes["log"] = more
    return LogRecord(
        trace_id=_hex(raw.get("traceId") or "", 32, "traceId", optional=True),
        span_id=_hex(raw.get("spanId") or "", 16, "spanId", optional=True),
        name=name,
        time_ns=_time(raw.get("timeUnixNano")) or _time(raw.get("observedTimeUnixNano")),
        attributes=attributes,
        severity=int(raw.get("severityNumber") or 0),
        resource=resource,
    )


def _span(raw: dict[str, Any], scope: str, more: dict[str, JsonValue], resource: dict[str, JsonValue]) -> OtlpSpan:
    rest = {key: value for key, value in raw.items() if key not in READ and value not in (None, "", [], {})}
    if isinstance(rest.get("links"), list):
        rest["links"] = [
            {**link, "attributes": attributes_of(link.get("attributes"))} for link in _objects(rest["links"])
        ]
    status = _object(raw.get("status"))
    dropped = [
        f"{raw[key]} {word} dropped by the SDK"
        for key, word in (
            ("droppedAttributesCount", "attributes"),
            ("droppedEventsCount", "events"),
            ("droppedLinksCount", "links"),
        )
        if raw.get(key)
    ]
    return OtlpSpan(
        trace_id=_hex(raw.get("traceId"), 32, "traceId"),
        span_id=_hex(raw.get("spanId"), 16, "spanId"),
        parent_id=_hex(raw.get("parentSpanId") or "", 16, "parentSpanId", optional=True),
        name=str(raw.get("name") or ""),
        start_ns=_time(raw.get("startTimeUnixNano")),
        end_ns=_time(raw.get("endTimeUnixNano")),
        attributes=attributes_of(raw.get("attributes")),
        events=tuple(
            SpanEvent(
                str(event.get("name") or ""), _time(event.get("timeUnixNano")), attributes_of(event.get("attributes"))
            )
            for event in _objects(raw.get("events"))
        ),
        status=_status(status.get("code")),
        status_message=str(status.get("message") or ""),
        scope=scope,
        resource=resource,
        dropped=tuple(dropped),
        extra={**more, **rest},
    )


def attributes_of(raw: Any) -> dict[str, JsonValue]:
    """A list of KeyValue objects as a dictionary; entries without a key are left out, empty values become None."""
    return {str(item["key"]): value_of(item.get("value")) for item in _objects(raw) if item.get("key")}


def value_of(raw: Any, depth: int = 0) -> JsonValue:
    """An AnyValue as a plain value; None for an empty one (some exporters send them). Depth is bounded."""
    if not isinstance(raw, dict) or depth > MAX_DEPTH:
        return None
    for key, value in raw.items():
        match key:
            case "stringValue" | "bytesValue":
                return str(value)
            case "intValue":
                return int(value) if isinstance(value, int) or str(value).lstrip("-").isdecimal() else str(value)
            case "doubleValue" | "boolValue":
                return value if isinstance(value, bool | int | float) else str(value)
            case "arrayValue":
                return [value_of(item, depth + 1) for item in _list(_object(value).get("values"))]
            case "kvlistValue":
                items = _objects(_object(value).get("values"))
                return {str(item.get("key")): value_of(item.get("value"), depth + 1) for item in items}
    return None


def _hex(value: Any, length: int, field: str, *, optional: bool = False) -> str:
    text = str(value or "").lower()
    if optional and not text.strip("0"):
        return ""
    if len(text) != length or not text.strip("0") or any(c not in "0123456789abcdef" for c in text):
        raise ValueError(f"{field} is not {length} hex digits: {json.dumps(text[:40])}")
    return text


def _status(code: Any) -> int:
    names = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
    return names.get(code, 0) if isinstance(code, str) else int(code or 0)


def _time(value: Any) -> int | None:
    try:
        return int(value) or None
    except (TypeError, ValueError):
        return None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in _list(value) if isinstance(item, dict))

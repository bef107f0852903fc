"""OTLP/JSON to spans.

Format: the OpenTelemetry file exporter's (https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/): hex ids,
64-bit integers as strings, enums as numbers, camelCase; unknown keys are ignored.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from harnessfix_ir.document import JsonValue

from .span import OtlpSpan, SpanEvent

MAX_DEPTH = 64


def spans_of(document: Any, trouble: Callable[[str], None]) -> Iterator[OtlpSpan]:
    """Spans of one `TracesData` object.

    Args:
        document: parsed JSON.
        trouble: told of each span that is malformed, with the field; the others are read.

    Raises:
        ValueError: it is not a `TracesData` object.
    """
    if not isinstance(document, dict) or not isinstance(document.get("resourceSpans"), list):
        raise ValueError("no resourceSpans list")
    for resource_spans in _objects(document["resourceSpans"]):
        resource = attributes_of(_object(resource_spans.get("resource")).get("attributes"))
        for scope_spans in _objects(resource_spans.get("scopeSpans")):
            scope = _object(scope_spans.get("scope")).get("name") or ""
            for number, span in enumerate(_objects(scope_spans.get("spans")), 1):
                try:
                    yield _span(span, str(scope), resource)
                except (ValueError, TypeError) as error:
                    trouble(f"span {number} of scope {scope or 'unnamed'}: {error}; the span was skipped")


def _span(raw: dict[str, Any], scope: str, resource: dict[str, JsonValue]) -> OtlpSpan:
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

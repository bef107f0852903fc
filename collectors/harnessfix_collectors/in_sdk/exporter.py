"""A span exporter that writes OTLP/JSON lines to a file, for `harnessfix import`."""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from .completion import take_messages

VARIABLE = "HARNESSFIX_TRACE_FILE"
DEFAULT = "harnessfix-trace.jsonl"


class FileExporter(SpanExporter):  # type: ignore[misc]
    """Appends one `TracesData` object a line.

    Args:
        path: of the file; `HARNESSFIX_TRACE_FILE`, or `harnessfix-trace.jsonl` here, when None.
    """

    def __init__(self, path: str | None = None) -> None:
        self._path = Path(path or os.environ.get(VARIABLE) or DEFAULT).absolute()
        self._lock = Lock()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write a batch; a file that cannot be written is named once on stderr."""
        line = json.dumps({"resourceSpans": list(_resource_spans(spans))}, separators=(",", ":"))
        try:
            with self._lock, self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            sys.stderr.write(
                f"harnessfix: {self._path}: {error.strerror}; set {VARIABLE} to a file that can be written\n"
            )
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing is open."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is held back."""
        return True


def _resource_spans(spans: Sequence[ReadableSpan]) -> Iterator[dict[str, Any]]:
    """By resource and scope, as they come."""
    groups: dict[tuple[int, str], list[ReadableSpan]] = {}
    for span in spans:
        scope = span.instrumentation_scope
        groups.setdefault((id(span.resource), "" if scope is None else scope.name), []).append(span)
    for (_, scope_name), members in groups.items():
        yield {
            "resource": {"attributes": _attributes(members[0].resource.attributes)},
            "scopeSpans": [{"scope": {"name": scope_name}, "spans": [_span(span) for span in members]}],
        }


def _span(span: ReadableSpan) -> dict[str, Any]:
    context = span.get_span_context()
    told = {
        "traceId": "" if context is None else f"{context.trace_id:032x}",
        "spanId": "" if context is None else f"{context.span_id:016x}",
        "parentSpanId": "" if span.parent is None else f"{span.parent.span_id:016x}",
        "name": span.name,
        "kind": span.kind.value + 1,
        "startTimeUnixNano": str(span.start_time or 0),
        "endTimeUnixNano": str(span.end_time or 0),
        "attributes": _attributes({**(span.attributes or {}), **take_messages(span)}),
        "events": [
            {"name": each.name, "timeUnixNano": str(each.timestamp), "attributes": _attributes(each.attributes or {})}
            for each in span.events
        ],
        "status": {"code": span.status.status_code.value, "message": span.status.description or ""},
    }
    return told | ({"droppedAttributesCount": span.dropped_attributes} if span.dropped_attributes else {})


def _attributes(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in given.items()]


def _value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case bytes():
            return {"stringValue": value.decode("utf-8", "replace")}
        case Mapping():
            return {"kvlistValue": {"values": _attributes(value)}}
        case Sequence():
            return {"arrayValue": {"values": [_value(item) for item in value]}}
    return {"stringValue": str(value)}

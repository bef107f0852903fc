"""The messages of the two signals, named alike."""

from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from harnessfix_collectors.otlp.frames import Signal


@dataclass(frozen=True)
class Shape:
    """How the request of one signal nests: resources, scopes, items.

    Args:
        request: message class of a request; on the wire it is the same as `TracesData` or `LogsData`.
        resources, scopes, items: names of the repeated fields.
        json: the same three names as OTLP/JSON spells them.
        item: for people, in the plural.
    """

    request: Any
    resources: str
    scopes: str
    items: str
    json: tuple[str, str, str]
    item: str


SHAPES: dict[Signal, Shape] = {
    "traces": Shape(
        ExportTraceServiceRequest,
        "resource_spans",
        "scope_spans",
        "spans",
        ("resourceSpans", "scopeSpans", "spans"),
        "spans",
    ),
    "logs": Shape(
        ExportLogsServiceRequest,
        "resource_logs",
        "scope_logs",
        "log_records",
        ("resourceLogs", "scopeLogs", "logRecords"),
        "log records",
    ),
}

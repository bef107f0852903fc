"""A span with plain Python values."""

from dataclasses import dataclass, field

from harnessfix_ir.document import JsonValue


@dataclass(frozen=True)
class SpanEvent:
    """An event of a span: name, Unix time in nanoseconds, attributes."""

    name: str
    time_ns: int | None
    attributes: dict[str, JsonValue]


@dataclass(frozen=True)
class OtlpSpan:
    """One span of OTLP.

    Args:
        trace_id, span_id, parent_id: lower-case hex; parent_id is empty for a root.
        name: as emitted.
        start_ns, end_ns: Unix time in nanoseconds, None when absent or zero.
        attributes: key to plain value.
        events: in order.
        status: 0 unset, 1 ok, 2 error; status_message beside it.
        scope: name of the instrumentation scope.
        resource: attributes of the resource.
        dropped: words for what the SDK says it dropped.
        extra: everything else that stood in the span or its scope (links, trace state, scope version), by name.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    start_ns: int | None
    end_ns: int | None
    attributes: dict[str, JsonValue]
    events: tuple[SpanEvent, ...] = ()
    status: int = 0
    status_message: str = ""
    scope: str = ""
    resource: dict[str, JsonValue] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    extra: dict[str, JsonValue] = field(default_factory=dict)

    def text(self, *keys: str) -> str | None:
        """The first of these attributes that is a non-empty string."""
        for key in keys:
            value = self.attributes.get(key)
            if isinstance(value, str) and value:
                return value
        return None

    def number(self, *keys: str) -> int | None:
        """The first of these attributes that is a whole number (or a string of one)."""
        for key in keys:
            value = self.attributes.get(key)
            if isinstance(value, bool):
                continue
            if isinstance(value, int | float):
                return int(value)
            if isinstance(value, str) and value.isdecimal():
                return int(value)
        return None


@dataclass(frozen=True)
class LogRecord:
    """One log record of OTLP.

    Args:
        trace_id, span_id: of the span it was written in, empty when it was written outside of one.
        name: of the event; empty for a plain log line.
        time_ns: Unix time in nanoseconds.
        attributes: those of the record, and its body: the keys of an object, or `body` for anything else.
        severity: number from 1 to 24, 17 and above are errors; 0 when unknown.
        resource: attributes of the resource.
    """

    trace_id: str
    span_id: str
    name: str
    time_ns: int | None
    attributes: dict[str, JsonValue]
    severity: int = 0
    resource: dict[str, JsonValue] = field(default_factory=dict)

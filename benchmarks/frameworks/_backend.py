"""What a program's own backend gets, printed: that is the same whether the program is recorded or not."""

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

SAID = ("Rome", "sunny", "Atlantis")
with contextlib.suppress(ImportError):
    from opentelemetry.sdk._logs import export as _logs


def shown(kind: str, name: str, told: Mapping[str, Any]) -> None:
    """One line: what came, with the keys of what it says, and whether words of the conversation are in it."""
    words = json.dumps(dict(told), default=str)
    content = any(word in words for word in SAID)
    print(f"{kind} {name}: {len(told)} of {sorted(told)[:4]}, {'with' if content else 'without'} content")


class Spans(SpanExporter):  # type: ignore[misc]
    """Takes spans."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Show them."""
        for span in spans:
            shown("span", span.name, span.attributes or {})
            for event in span.events:
                shown(f"  event of {span.name}", event.name, event.attributes or {})
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing is open."""


def log_exporter() -> Any:
    """Takes log records."""
    base: Any = getattr(_logs, "LogRecordExporter", None) or _logs.LogExporter
    result: Any = getattr(_logs, "LogRecordExportResult", None) or _logs.LogExportResult

    class Logs(base):  # type: ignore[misc]
        def export(self, batch: Sequence[Any]) -> Any:
            for each in batch:
                record = each.log_record
                body = record.body if isinstance(record.body, Mapping) else {"body": record.body}
                shown("log", str(record.event_name), {**(record.attributes or {}), **body})
            return result.SUCCESS

        def shutdown(self) -> None:
            pass

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return True

    return Logs()

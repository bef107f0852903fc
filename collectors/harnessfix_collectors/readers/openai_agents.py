"""OpenAI Agents SDK traces, as a `TracingProcessor` exports them: `trace` and `trace.span` objects.

https://openai.github.io/openai-agents-python/tracing/
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from harnessfix_collectors.dialects.openai_agents import SPAN_DATA
from harnessfix_collectors.files import TraceFile, Trouble, records
from harnessfix_collectors.opening import Opening
from harnessfix_collectors.otlp import OtlpSpan
from harnessfix_collectors.otlp.assemble import recordings
from harnessfix_collectors.values import as_text, dig, mapping, name_of, nanoseconds, objects, string
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording

from .base import Reader

READ = frozenset(["id", "trace_id", "parent_id", "started_at", "ended_at", "span_data", "error"])


class OpenAiAgentsTrace(Reader):
    """Objects one a line, in a list, or in the batches (`{"data": [...]}`) that are posted."""

    name = "openai-agents"
    title = "OpenAI Agents SDK trace"
    maps = "Each span a step: agents are episodes, responses and generations model calls, functions tool calls."
    keeps = "Span data that has no place in a step with the step; workflow name, group and metadata with the run."
    priority = 12
    many = True

    def recognises(self, opening: Opening) -> bool:
        """By the object types."""
        return opening.says("object", "trace.span", "trace") or opening.says("data.object", "trace.span", "trace")

    def read(self, file: TraceFile) -> Iterator[Recording]:
        """One recording per trace."""
        trouble = Trouble(file.name)
        spans: list[OtlpSpan] = []
        traces: dict[str, dict[str, Any]] = {}
        for place, value in records(file, trouble):
            for item in objects(mapping(value).get("data")) or [mapping(value)]:
                if item.get("object") == "trace":
                    traces[str(item.get("id") or "")] = item
                elif item.get("object") == "trace.span" and item.get("id"):
                    spans.append(_span(item))
                else:
                    trouble(f"{place}: no trace and no span; it was skipped")
        if not spans:
            raise BadInputError(
                trouble.notes[0] if trouble.notes else f"{file.name}: no spans in it",
                hint="Expected objects with `object` of `trace` and `trace.span`.",
            )
        spans = [replace(span, resource=traces.get(span.trace_id, {})) for span in spans]
        for recording in recordings(spans, self.name, file.name, trouble.notes):
            name = name_of(dig(traces.get(recording.run.id), "workflow_name"))
            run = recording.run.model_copy(update={"name": name or recording.run.name})
            yield recording.model_copy(update={"run": run})

    def split(self, value: Any) -> Iterator[tuple[str, Any]]:
        """By trace."""
        for item in objects(mapping(value).get("data")) or [mapping(value)]:
            yield str(item.get("trace_id") or item.get("id") or ""), item


def _span(raw: dict[str, Any]) -> OtlpSpan:
    data = mapping(raw.get("span_data"))
    error = raw.get("error")
    rest = {key: value for key, value in raw.items() if key not in READ and value}
    attributes: dict[str, Any] = {SPAN_DATA: data}
    if isinstance(error, dict) and error.get("data"):
        attributes["error.data"] = error["data"]
    message = string(dig(error, "message")) or (as_text(error) if error else "")
    return OtlpSpan(
        trace_id=str(raw.get("trace_id") or ""),
        span_id=str(raw["id"]),
        parent_id=str(raw.get("parent_id") or ""),
        name=name_of(data.get("name")) or string(data.get("type")) or "span",
        start_ns=nanoseconds(raw.get("started_at")),
        end_ns=nanoseconds(raw.get("ended_at")),
        attributes=attributes,
        status=2 if error else 0,
        status_message=message,
        extra=rest,
    )

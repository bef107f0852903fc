"""Phoenix exports: spans of its REST API and its `px` command, and rows of its data frame as JSON.

Attributes are dotted keys or nested objects; messages in a data frame are lists of objects with dotted keys.

https://arize.com/docs/phoenix
"""

from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.files import TraceFile, Trouble, records
from harnessfix_collectors.opening import Opening
from harnessfix_collectors.otlp import OtlpSpan, SpanEvent
from harnessfix_collectors.otlp.assemble import recordings
from harnessfix_collectors.values import mapping, name_of, nanoseconds, objects, parse_json, string
from harnessfix_ir.document import JsonValue
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording

from .base import Reader
from .judged import beside, judged, on_pages

STATUS = {"unset": 0, "ok": 1, "error": 2}
READ = frozenset(
    [
        "context",
        "name",
        "span_kind",
        "parent_id",
        "start_time",
        "end_time",
        "status_message",
        "attributes",
        "events",
        "annotations",
        "span_id",
        "trace_id",
    ]
)
JUDGEMENT = ("annotations", "span_annotations", "evaluations")


class Phoenix(Reader):
    """Each span a step."""

    name = "phoenix"
    title = "Phoenix span export"
    maps = "Each span a step by its OpenInference kind."
    keeps = "Attributes that OpenInference does not map with the step; annotations are `evaluation` of the run."
    priority = 11
    many = True

    def recognises(self, opening: Opening) -> bool:
        """By a span's context beside its kind."""
        for prefix in ("", "data.", "spans.", "data.spans."):
            if opening.has(f"{prefix}span_kind") and (
                opening.has(f"{prefix}context") or opening.has(f"{prefix}parent_id") or opening.has("context.span_id")
            ):
                return True
        return False

    def read(self, file: TraceFile) -> Iterator[Recording]:
        """One recording per trace."""
        trouble = Trouble(file.name)
        spans: list[OtlpSpan] = []
        marks: dict[str, list[Any]] = {}
        pages: list[Any] = []
        for place, value in records(file, trouble):
            pages += [page] if (page := beside(value, "data", "spans")) else []
            for raw in _rows(mapping(value)):
                span = _span(_nested(raw))
                if not span.span_id:
                    trouble(f"{place}: no span with a `context`; it was skipped")
                    continue
                spans.append(span)
                found = {key: raw[key] for key in JUDGEMENT if raw.get(key)}
                if found:
                    marks.setdefault(span.trace_id, []).append({"span": span.span_id, **found})
        if not spans:
            raise BadInputError(
                trouble.notes[0] if trouble.notes else f"{file.name}: no spans in it",
                hint="Expected spans of Phoenix with `context` and `span_kind`.",
            )
        for recording in recordings(spans, self.name, file.name, trouble.notes):
            yield on_pages(judged(recording, marks.get(recording.run.id, [])), pages)

    def split(self, value: Any) -> Iterator[tuple[str, Any]]:
        """By trace."""
        row = _nested(mapping(value))
        yield str(mapping(row.get("context")).get("trace_id") or mapping(value).get("traceId") or ""), value


def _rows(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    inner = next((value[key] for key in ("data", "spans") if isinstance(value.get(key), list)), None)
    if inner is None:
        yield value
        return
    for item in objects(inner):
        yield from _rows(item)


def _nested(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the data frame (`context.span_id`, `attributes.llm.model_name`) as a span of the API."""
    if isinstance(row.get("context"), dict) or "attributes" in row:
        return row
    made: dict[str, Any] = {"context": {}, "attributes": {}}
    for key, value in row.items():
        head, _, rest = key.partition(".")
        if rest and head in ("context", "attributes"):
            made[head][rest] = value
        else:
            made[key] = value
    return made


def _span(raw: dict[str, Any]) -> OtlpSpan:
    context = mapping(raw.get("context"))
    attributes = dict(flattened(mapping(parse_json(raw.get("attributes")))))
    kind = string(raw.get("span_kind"))
    if kind and "openinference.span.kind" not in attributes:
        attributes["openinference.span.kind"] = kind.upper()
    rest = {key: value for key, value in raw.items() if key not in (*READ, *JUDGEMENT) and value not in (None, "", [])}
    beside = {key: value for key, value in context.items() if key not in ("trace_id", "span_id")}
    if beside:
        rest["context"] = beside
    return OtlpSpan(
        trace_id=str(context.get("trace_id") or raw.get("trace_id") or ""),
        span_id=str(context.get("span_id") or raw.get("span_id") or ""),
        parent_id=str(raw.get("parent_id") or ""),
        name=name_of(raw.get("name")) or kind,
        start_ns=nanoseconds(raw.get("start_time")),
        end_ns=nanoseconds(raw.get("end_time")),
        attributes=attributes,
        events=tuple(_event(event) for event in objects(parse_json(raw.get("events")))),
        status=STATUS.get(string(raw.get("status_code")).lower(), 0),
        status_message=string(raw.get("status_message")),
        extra=rest,
    )


def _event(raw: dict[str, Any]) -> SpanEvent:
    rest = {key: value for key, value in raw.items() if key not in ("name", "timestamp", "attributes")}
    return SpanEvent(
        string(raw.get("name")), nanoseconds(raw.get("timestamp")), {**rest, **mapping(raw.get("attributes"))}
    )


def flattened(attributes: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, JsonValue]]:
    """Nested attributes as dotted keys; lists of objects are numbered, other lists stay lists."""
    for key, value in attributes.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and value and depth < 20:
            yield from flattened(value, f"{path}.", depth + 1)
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value) and depth < 20:
            for number, item in enumerate(value):
                yield from flattened(item, f"{path}.{number}.", depth + 1)
        elif value is not None:
            yield path, value

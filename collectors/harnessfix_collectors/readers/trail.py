"""TRAIL: traces of agents as nested OpenInference spans.

`child_spans` nest and `parent_span_id` names the parent besides; keys of events are capitalised. The logs of the
wrapping program hold the benchmark's answers: they are `evaluation` of the run.

https://github.com/patronus-ai/trail-benchmark
"""

import re
from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.files import TraceFile, Trouble, document
from harnessfix_collectors.opening import Opening
from harnessfix_collectors.otlp import OtlpSpan, SpanEvent
from harnessfix_collectors.otlp.assemble import recordings
from harnessfix_collectors.values import mapping, nanoseconds, objects, string
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording

from .base import EVALUATION, Reader

STATUS = {"unset": 0, "ok": 1, "error": 2}
READ = frozenset(
    [
        "timestamp",
        "trace_id",
        "span_id",
        "parent_span_id",
        "span_name",
        "resource_attributes",
        "scope_name",
        "span_attributes",
        "status_message",
        "events",
        "logs",
        "child_spans",
    ]
)
_DURATION = re.compile(r"P(?:(\d+)D)?T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")


class Trail(Reader):
    """One trace a file."""

    name = "trail"
    title = "TRAIL trace"
    maps = "Each span a step by its dialect, as for OpenTelemetry."
    keeps = "The logs of the program around the agent are `evaluation` of the run: they hold the expected answers."
    priority = 20

    def recognises(self, opening: Opening) -> bool:
        """By its own names of a span's parts."""
        return opening.has("spans.span_attributes", "spans.child_spans") or opening.has("spans.span_name")

    def read(self, file: TraceFile) -> Iterator[Recording]:
        """The one run of the file."""
        trouble = Trouble(file.name)
        value = mapping(document(file, trouble))
        logs: list[Any] = []
        spans = list(_spans(objects(value.get("spans")), "", string(value.get("trace_id")), logs, trouble))
        if not spans:
            raise BadInputError(f"{file.name}: no spans in it", hint="Expected a TRAIL trace with a list `spans`.")
        rest = {key: item for key, item in value.items() if key not in ("spans", "trace_id")}
        for recording in recordings(spans, self.name, file.name, trouble.notes):
            attributes = {**recording.run.attributes, **rest, **({EVALUATION: {"logs": logs}} if logs else {})}
            yield recording.model_copy(update={"run": recording.run.model_copy(update={"attributes": attributes})})


def _spans(
    found: list[dict[str, Any]], parent: str, trace: str, logs: list[Any], trouble: Trouble
) -> Iterator[OtlpSpan]:
    pending = [(raw, parent) for raw in reversed(found)]
    while pending:
        raw, above = pending.pop()
        span_id = string(raw.get("span_id"))
        logs.extend(raw["logs"] if isinstance(raw.get("logs"), list) else [])
        pending += [(inner, span_id) for inner in reversed(objects(raw.get("child_spans")))]
        if not span_id:
            trouble(f"{trouble.filename}: a span without span_id; it was skipped")
            continue
        started = nanoseconds(raw.get("timestamp"))
        extra = {key: value for key, value in raw.items() if key not in READ and value}
        scope = string(raw.get("scope_name"))
        yield OtlpSpan(
            trace_id=string(raw.get("trace_id")) or trace or trouble.filename,
            span_id=span_id,
            parent_id=string(raw.get("parent_span_id")) or above,
            name=string(raw.get("span_name")),
            start_ns=started,
            end_ns=None if started is None else started + _duration(raw.get("duration")),
            attributes=mapping(raw.get("span_attributes")),
            events=tuple(_events(raw)),
            status=STATUS.get(string(raw.get("status_code")).lower(), 0),
            status_message=string(raw.get("status_message")),
            scope=scope,
            resource=mapping(raw.get("resource_attributes")),
            extra=extra,
        )


def _events(raw: dict[str, Any]) -> Iterator[SpanEvent]:
    for event in objects(raw.get("events")):
        plain = {key.lower(): value for key, value in event.items()}
        rest = {key: value for key, value in plain.items() if key not in ("name", "timestamp", "attributes") and value}
        attributes = {**mapping(plain.get("attributes")), **rest}
        yield SpanEvent(string(plain.get("name")), nanoseconds(plain.get("timestamp")), attributes)


def _duration(value: Any) -> int:
    """Nanoseconds of an ISO 8601 duration of days to seconds, 0 for anything else."""
    match = _DURATION.fullmatch(string(value))
    if match is None:
        return 0
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return int((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1e9)

"""OTLP/JSON lines: what the collector's `file` exporter, `otlp_json_file` and most trace viewers write."""

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import Any

from harnessfix_collectors.files import TraceFile, Trouble, records
from harnessfix_collectors.opening import Opening
from harnessfix_collectors.otlp import LogRecord, OtlpSpan
from harnessfix_collectors.otlp.assemble import recordings
from harnessfix_collectors.otlp.decode_json import logs_of, spans_of
from harnessfix_collectors.values import objects
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording

from .base import Reader


class OtlpJson(Reader):
    """One `TracesData` or `LogsData` object a line, or a single object over many lines."""

    name = "otlp-json"
    title = "OTLP/JSON lines (OpenTelemetry file exporter), traces and logs"
    maps = "Each span a step by its dialect; log records events of their spans; twice recorded model calls are merged."
    keeps = "Attributes that no dialect reads, scope, links and trace state with the step; the resource with the run."
    many = True

    def recognises(self, opening: Opening) -> bool:
        """By the key `resourceSpans` or `resourceLogs` near the beginning."""
        return opening.has("resourceSpans") or opening.has("resourceLogs")

    def read(self, file: TraceFile) -> Iterator[Recording]:
        """One recording per trace. Broken lines are counted and named; the others are read."""
        trouble = Trouble(file.name)
        spans: list[OtlpSpan] = []
        logs: list[LogRecord] = []
        for place, document in records(file, trouble):
            tell = partial(_tell, trouble, place)
            try:
                if isinstance(document, dict) and "resourceLogs" in document:
                    logs.extend(logs_of(document, tell))
                    if "resourceSpans" not in document:
                        continue
                spans.extend(spans_of(document, tell))
            except ValueError as error:
                trouble(f"{place}: {error}; it was skipped")
        if not spans and not logs:
            why = trouble.notes[0] if trouble.notes else f"{file.name}: no spans in it"
            raise BadInputError(why, hint="Each line must be one OTLP TracesData object with resourceSpans.")
        yield from recordings(spans, self.name, file.name, trouble.notes, logs)

    def split(self, value: Any) -> Iterator[tuple[str, Any]]:
        """By trace id: one object with a single span list for each trace in each scope."""
        document = value if isinstance(value, dict) else {}
        whole = [(outer, middle, inner) for outer, middle, inner in LISTS if isinstance(document.get(outer), list)]
        if not whole:
            yield "", value
        for outer, middle, inner in whole:
            for of_resource in objects(document[outer]):
                for of_scope in objects(of_resource.get(middle)):
                    members: dict[str, list[Any]] = defaultdict(list)
                    for member in objects(of_scope.get(inner)):
                        members[str(member.get("traceId") or "").lower()].append(member)
                    for trace_id, found in members.items():
                        scope = {**of_scope, inner: found}
                        yield trace_id, {outer: [{**of_resource, middle: [scope]}]}


def _tell(trouble: Trouble, place: str, what: str) -> None:
    trouble(f"{place}: {what}")


LISTS = (("resourceSpans", "scopeSpans", "spans"), ("resourceLogs", "scopeLogs", "logRecords"))

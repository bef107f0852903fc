"""LangSmith runs, as the API, the SDK and the bulk export write them.

https://docs.langchain.com/langsmith/run-data-format
"""

from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.files import TraceFile, Trouble, records
from harnessfix_collectors.opening import Opening
from harnessfix_collectors.otlp import OtlpSpan, SpanEvent
from harnessfix_collectors.otlp.assemble import recordings
from harnessfix_collectors.values import as_text, mapping, name_of, nanoseconds, objects, parse_json, string
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording

from .base import Reader
from .judged import beside, judged, on_pages

JUDGEMENT = ("feedback_stats", "feedback", "reference_example_id", "reference_outputs", "reference_dataset_id")
READ = frozenset(
    [
        "id",
        "trace_id",
        "parent_run_id",
        "name",
        "run_type",
        "inputs",
        "outputs",
        "error",
        "events",
        "start_time",
        "end_time",
        "child_runs",
        "extra",
    ]
)


class LangSmithExport(Reader):
    """Runs one a line, in a list, under `runs`, or nested as `child_runs`."""

    name = "langsmith"
    title = "LangSmith run export"
    maps = "Each run a step by its type; `inputs` and `outputs` are messages, arguments and results; `error` its error."
    keeps = "Extra, metadata, tags and costs with the step; feedback and reference outputs are `evaluation` of the run."
    priority = 10
    many = True

    def recognises(self, opening: Opening) -> bool:
        """By `run_type`."""
        return any(opening.has(f"{prefix}run_type", f"{prefix}id") for prefix in ("", "runs.", "data."))

    def read(self, file: TraceFile) -> Iterator[Recording]:
        """One recording per trace."""
        trouble = Trouble(file.name)
        spans: list[OtlpSpan] = []
        marks: dict[str, list[Any]] = {}
        pages: list[Any] = []
        for place, value in records(file, trouble):
            runs = objects(mapping(value).get("runs", mapping(value).get("data"))) or [value]
            pages += [page] if (page := beside(value, "runs", "data")) else []
            for run in runs:
                if isinstance(run, dict) and run.get("run_type"):
                    spans.extend(_spans(run, "", "", marks))
                else:
                    trouble(f"{place}: no run with a `run_type`; it was skipped")
        if not spans:
            raise BadInputError(
                trouble.notes[0] if trouble.notes else f"{file.name}: no runs in it",
                hint="Expected LangSmith runs with `id` and `run_type`.",
            )
        for recording in recordings(spans, self.name, file.name, trouble.notes):
            yield on_pages(judged(recording, marks.get(recording.run.id, [])), pages)

    def split(self, value: Any) -> Iterator[tuple[str, Any]]:
        """By trace."""
        run = mapping(value)
        yield str(run.get("trace_id") or run.get("id") or ""), value


def _spans(run: dict[str, Any], parent: str, trace: str, marks: dict[str, list[Any]]) -> Iterator[OtlpSpan]:
    pending = [(run, parent, trace)]
    while pending:
        raw, above, within = pending.pop()
        run_id = str(raw.get("id") or "")
        trace_id = str(raw.get("trace_id") or within or run_id)
        pending += [(child, run_id, trace_id) for child in objects(raw.get("child_runs"))]
        found = {key: raw[key] for key in JUDGEMENT if raw.get(key)}
        if found:
            marks.setdefault(trace_id, []).append({"run": run_id, **found})
        error = raw.get("error")
        attributes = {key: value for key, value in raw.items() if key not in READ and key not in JUDGEMENT and value}
        attributes["langsmith.span.kind"] = string(raw.get("run_type"))
        for key in ("inputs", "outputs"):
            if raw.get(key) is not None:
                attributes[key] = parse_json(raw[key])
        attributes |= _extra(raw.get("extra"))
        yield OtlpSpan(
            trace_id=trace_id,
            span_id=run_id,
            parent_id=str(raw.get("parent_run_id") or above or ""),
            name=name_of(raw.get("name")) or string(raw.get("run_type")),
            start_ns=nanoseconds(raw.get("start_time")),
            end_ns=nanoseconds(raw.get("end_time")),
            attributes=attributes,
            events=tuple(
                SpanEvent(
                    string(event.get("name")),
                    nanoseconds(event.get("time")),
                    {key: value for key, value in event.items() if key not in ("name", "time")},
                )
                for event in objects(raw.get("events"))
            ),
            status=2 if error else 0,
            status_message=as_text(error) if error else "",
        )


def _extra(extra: Any) -> dict[str, Any]:
    extra = parse_json(extra)
    if not extra:
        return {}
    model = mapping(mapping(extra).get("metadata")).get("ls_model_name")
    return {"extra": extra, **({"gen_ai.request.model": model} if isinstance(model, str) else {})}

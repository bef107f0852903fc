"""Langfuse exports: a trace with its observations (the interface's download and the API), or observations one a line
(the blob storage export). Names of fields come in camel case and in snake case.

https://langfuse.com/docs/api-and-data-platform/features/export-from-ui
"""

import re
from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.files import TraceFile, Trouble, records
from harnessfix_collectors.opening import Opening
from harnessfix_collectors.otlp import OtlpSpan
from harnessfix_collectors.otlp.assemble import recordings
from harnessfix_collectors.values import mapping, name_of, nanoseconds, objects, parse_json, string
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording

from .base import Reader
from .judged import beside, judged, on_pages

READ = frozenset(
    [
        "id",
        "traceId",
        "parentObservationId",
        "type",
        "name",
        "startTime",
        "endTime",
        "input",
        "output",
        "metadata",
        "level",
        "statusMessage",
        "usageDetails",
    ]
)
_SNAKE = re.compile(r"_([a-z])")


class LangfuseExport(Reader):
    """Each observation a step."""

    name = "langfuse"
    title = "Langfuse export"
    maps = "Each observation a step by its type, or by the dialect of the attributes that Langfuse kept of it."
    keeps = "Metadata, costs and prompts with the step; the trace's fields with the run, its scores as `evaluation`."
    priority = 12
    many = True

    def recognises(self, opening: Opening) -> bool:
        """By observations with a trace id and the times of Langfuse."""
        if opening.has("trace.id", "observations.type") or opening.has("observations.traceId"):
            return True
        known = opening.has("traceId", "parentObservationId") or opening.has("trace_id", "parent_observation_id")
        return known or opening.has("data.parentObservationId")

    def read(self, file: TraceFile) -> Iterator[Recording]:
        """One recording per trace."""
        trouble = Trouble(file.name)
        found: dict[str, dict[str, Any]] = {}
        traces: dict[str, dict[str, Any]] = {}
        pages: list[Any] = []
        for place, value in records(file, trouble):
            known = len(found)
            pages += [page] if (page := beside(value, "data", "observations", "trace")) else []
            for observation in _observations(mapping(value), traces):
                observation = _camel(observation)
                key = str(observation.get("id") or "")
                if not key:
                    continue
                # A download lists observations twice, once without their texts.
                merged = {**found.get(key, {}), **{k: v for k, v in observation.items() if v not in (None, {}, [])}}
                found[key] = merged
            if len(found) == known and not traces:
                trouble(f"{place}: no observations in it; it was skipped")
        if not found:
            raise BadInputError(
                trouble.notes[0] if trouble.notes else f"{file.name}: no observations in it",
                hint="Expected a Langfuse export: a trace with `observations`, or observations one a line.",
            )
        spans = [_span(observation) for observation in found.values()]
        for recording in recordings(spans, self.name, file.name, trouble.notes):
            yield on_pages(_with_trace(recording, traces.get(recording.run.id, {})), pages)

    def split(self, value: Any) -> Iterator[tuple[str, Any]]:
        """By trace."""
        found = mapping(value)
        trace = mapping(found.get("trace")).get("id") or found.get("traceId") or found.get("trace_id")
        yield str(trace or found.get("id") or ""), value


def _observations(value: dict[str, Any], traces: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Observations of one value of the file; the traces in it go to `traces`."""
    if isinstance(value.get("data"), list):
        for item in objects(value["data"]):
            yield from _observations(item, traces)
        return
    trace = mapping(value.get("trace")) or (value if isinstance(value.get("observations"), list) else {})
    if not trace:
        yield value
        return
    about = {key: item for key, item in trace.items() if key != "observations"}
    traces[str(trace.get("id") or "")] = about
    for holder in (trace, value):
        for observation in objects(holder.get("observations")):
            yield {"traceId": trace.get("id"), **observation}


def _camel(observation: dict[str, Any]) -> dict[str, Any]:
    if "trace_id" not in observation and "start_time" not in observation:
        return observation
    return {_SNAKE.sub(lambda match: match[1].upper(), key): value for key, value in observation.items()}


def _span(observation: dict[str, Any]) -> OtlpSpan:
    metadata = parse_json(observation.get("metadata"))
    kept = mapping(mapping(metadata).get("attributes"))
    attributes: dict[str, Any] = {**kept, "langfuse.observation.type": string(observation.get("type"))}
    for key, name in (
        ("input", "input"),
        ("output", "output"),
        ("usageDetails", "usage_details"),
        ("level", "level"),
        ("statusMessage", "status_message"),
    ):
        if observation.get(key) not in (None, "", {}):
            attributes[f"langfuse.observation.{name}"] = observation[key]
    rest = {key: value for key, value in observation.items() if key not in READ and value not in (None, [], {}, "")}
    if rest:
        attributes["langfuse.observation"] = rest
    resource = mapping(mapping(metadata).get("resourceAttributes"))
    if isinstance(metadata, dict):
        metadata = {key: item for key, item in metadata.items() if key not in ("attributes", "resourceAttributes")}
    if metadata:
        attributes["langfuse.observation.metadata"] = metadata
    return OtlpSpan(
        trace_id=str(observation.get("traceId") or ""),
        span_id=str(observation["id"]),
        parent_id=str(observation.get("parentObservationId") or ""),
        name=name_of(observation.get("name")) or string(observation.get("type")),
        start_ns=nanoseconds(observation.get("startTime")),
        end_ns=nanoseconds(observation.get("endTime")) or nanoseconds(observation.get("startTime")),
        attributes=attributes,
        scope=string(mapping(mapping(metadata).get("scope")).get("name")),
        resource=resource,
    )


def _with_trace(recording: Recording, trace: dict[str, Any]) -> Recording:
    scores = trace.get("scores") if isinstance(trace.get("scores"), list) else []
    numbers = [score.get("value") for score in objects(scores)]
    single = numbers[0] if len(numbers) == 1 and isinstance(numbers[0], int | float) else None
    about = {key: value for key, value in trace.items() if key != "scores" and value not in (None, [], "")}
    if about:
        attributes = {**recording.run.attributes, "trace": about}
        update = {"attributes": attributes, "name": name_of(trace.get("name")) or recording.run.name}
        recording = recording.model_copy(update={"run": recording.run.model_copy(update=update)})
    return judged(recording, objects(scores), single)

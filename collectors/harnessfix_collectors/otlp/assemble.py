"""From the spans of a trace to one recording: ids, parents, errors, anchors from `code.*`, evidence that was lost."""

from collections.abc import Iterable, Iterator, Sequence

from harnessfix_collectors.call_ids import with_call_ids
from harnessfix_collectors.dialects import normalise
from harnessfix_collectors.dialects.base import REDACTED, Normal
from harnessfix_collectors.histories import MessagePool
from harnessfix_collectors.leftover import Held
from harnessfix_collectors.merge import NO_MESSAGES, NO_VALUES, SCOPE, merge_duplicates
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import JsonValue
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import ErrorInfo, Source, StepEvent, TraceStep
from harnessfix_ir.vocabulary import AnchorKind, Evidence, Outcome, Route, Status, StepKind

from .again import one_of
from .episodes import name_episodes
from .logs import attach_logs
from .span import LogRecord, OtlpSpan, SpanEvent

CODE_FUNCTION = ("code.function.name", "code.function")
CODE_FILE = ("code.file.path", "code.filepath")
CODE_LINE = ("code.line.number", "code.lineno")
LONG = 200


def recordings(
    spans: Iterable[OtlpSpan],
    format_name: str,
    filename: str,
    incomplete: Sequence[str],
    logs: Iterable[LogRecord] = (),
) -> Iterator[Recording]:
    """One recording per trace id, in order of first appearance; a span id seen twice counts once (`again.py`).

    Args:
        spans: in any order.
        format_name, filename: for `Source`.
        incomplete: trouble met while reading, added to every recording.
        logs: records that belong to the spans, or to none.
    """
    traces: dict[str, dict[str, OtlpSpan]] = {}
    for span in spans:
        members = traces.setdefault(span.trace_id, {})
        held = members.get(span.span_id)
        members[span.span_id] = span if held is None else one_of(held, span)
    attach_logs(traces, logs, filename)
    for trace_id, members in traces.items():
        yield _Trace(trace_id, list(members.values()), format_name, filename).recording(incomplete)


class _Trace:
    def __init__(self, trace_id: str, spans: list[OtlpSpan], format_name: str, filename: str) -> None:
        spans.sort(key=lambda span: (span.start_ns or 0, span.end_ns is None, -(span.end_ns or 0)))
        self.trace_id, self.format_name, self.filename = trace_id, format_name, filename
        self.pool = MessagePool()
        self.spans, self.resource = spans, spans[0].resource
        # What is left of a span is asked while the pool still knows the conversation that it resends.
        self.read = [self._read(span) for span in spans]
        name_episodes(spans, [normal for normal, _ in self.read])
        self.ids = {span.span_id: f"s{number}" for number, span in enumerate(spans, 1)}

    def recording(self, incomplete: Sequence[str]) -> Recording:
        steps = [self._step(span, normal, left) for span, (normal, left) in zip(self.spans, self.read)]
        roots = [(span, step) for span, step in zip(self.spans, steps) if step.parent is None]
        starts = [span.start_ns for span in self.spans if span.start_ns]
        ends = [span.end_ns for span in self.spans if span.end_ns]
        failed = any(step.status is Status.ERROR for _, step in roots)
        run = RunInfo(
            id=self.trace_id,
            name=roots[0][1].name if roots else (steps[0].name if steps else ""),
            task=self._task(roots[0][0]) if roots else "",
            started_ns=min(starts, default=None),
            ended_ns=max(ends, default=None),
            outcome=Outcome.FAILED if failed else Outcome.UNKNOWN,
            outcome_by="span-status" if failed else "",
            format=self.format_name,
            attributes=dict(self.resource),
        )
        joined = with_call_ids(merge_duplicates(steps), self.pool.texts)
        return Recording(run=run, steps=joined, texts=self.pool.texts, incomplete=tuple(incomplete))

    def _task(self, root: OtlpSpan) -> str:
        """What the run was asked for: as said outright, else the first thing that a user said, else a name."""
        said = (
            self.pool.texts[part.text]
            for normal, _ in self.read
            for part in normal.input
            if part.role == "user" and part.kind == "text"
        )
        value = root.text("harnessfix.task", "task", "input.value") or next(said, "")
        value = value or root.text("gen_ai.agent.name") or root.name
        return value if len(value) <= LONG else ""

    def _read(self, span: OtlpSpan) -> tuple[Normal, dict[str, JsonValue]]:
        normal = normalise(span, self.pool)
        return normal, left_of(span, normal, self.pool)

    def _step(self, span: OtlpSpan, normal: Normal, attributes: dict[str, JsonValue]) -> TraceStep:
        parent = self.ids.get(span.parent_id)
        missing = list(span.dropped)
        if span.parent_id and parent is None:
            missing.append(f"its parent span {span.parent_id} is not in the trace")
        missing.extend(lacking(span, normal))
        if span.resource != self.resource:
            attributes["span.resource"] = span.resource
        return TraceStep(
            id=self.ids[span.span_id],
            parent=parent if parent != self.ids[span.span_id] else None,
            kind=normal.kind,
            name=normal.name,
            agent=normal.agent,
            started_ns=span.start_ns,
            ended_ns=span.end_ns,
            input=tuple(normal.input),
            output=tuple(normal.output),
            status=status_of(span, normal),
            error=error_of(span, normal),
            finish_reason=normal.finish_reason,
            usage=normal.usage,
            anchors=tuple(code_anchors(span)),
            events=tuple(StepEvent(name=e.name, time_ns=e.time_ns, attributes=e.attributes) for e in span.events),
            source=Source(format=self.format_name, file=self.filename, span_ids=(span.span_id,)),
            attributes=attributes,
            missing=tuple(missing),
        )


def left_of(span: OtlpSpan, normal: Normal, pool: MessagePool) -> dict[str, JsonValue]:
    """What of a span is not in its step: attributes nobody read, and of the others what no part holds."""
    held = Held((*normal.input, *normal.output), pool.texts, (normal.name, normal.agent))
    left = {key: value for key, value in span.attributes.items() if key not in normal.used}
    for key in span.attributes.keys() & normal.used:
        rest = pool.leftover(span.attributes[key], key.rpartition(".")[2], held)
        if rest is not None:
            left[key] = rest
    about = dict(span.extra)
    if span.name != normal.name:
        about["name"] = span.name
    error = error_of(span, normal)
    if span.status_message and (error is None or error.message != span.status_message):
        about["status_message"] = span.status_message
    if about:
        left["span"] = about
    if span.scope:
        left[SCOPE] = span.scope
    return left


def lacking(span: OtlpSpan, normal: Normal) -> Iterator[str]:
    """What a span was not given, in words."""
    if any(isinstance(value, str) and value in REDACTED for value in span.attributes.values()):
        yield "content was redacted where it was recorded"
    if normal.kind is StepKind.MODEL_CALL and not normal.input and not normal.output:
        yield NO_MESSAGES
    if normal.kind is StepKind.TOOL_CALL and not normal.input and not normal.output:
        yield NO_VALUES


def status_of(span: OtlpSpan, normal: Normal) -> Status:
    """How a span ended."""
    if span.status == 2 or normal.error is not None:
        return Status.ERROR
    return Status.UNFINISHED if span.end_ns is None else Status.OK


def error_of(span: OtlpSpan, normal: Normal) -> ErrorInfo | None:
    """The last exception that it tells, else what its status or its dialect says."""
    event = next((event for event in reversed(span.events) if "exception.type" in event.attributes), None)
    if event is None:
        event = next((event for event in reversed(span.events) if event.name == "exception"), None)
    if event is not None:
        return ErrorInfo(
            type=_attribute(event, "exception.type") or "Exception",
            message=_attribute(event, "exception.message"),
            traceback=_attribute(event, "exception.stacktrace"),
        )
    if span.status == 2 or normal.error is not None:
        return ErrorInfo(
            type=span.text("error.type", "exception.type") or "error",
            message=normal.error or span.status_message or span.text("error.message", "exception.message") or "",
            traceback=span.text("exception.stacktrace") or "",
        )
    return None


def _attribute(event: SpanEvent, key: str) -> str:
    value: JsonValue = event.attributes.get(key)
    return value if isinstance(value, str) else ""


def code_anchors(span: OtlpSpan) -> Iterator[Anchor]:
    """The place that its `code.*` attributes name."""
    path, line = span.text(*CODE_FILE), span.number(*CODE_LINE)
    if path and line:
        yield Anchor(
            path=path.replace("\\", "/"),
            qualname=span.text(*CODE_FUNCTION) or "<module>",
            start_line=max(1, line),
            end_line=max(1, line),
            kind=AnchorKind.CALL,
            route=Route.CODE_ATTRIBUTE,
            evidence=Evidence.OBSERVED,
            reason="the span's code attributes",
        )

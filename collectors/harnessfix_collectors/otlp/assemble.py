"""From the spans of a trace to one recording: ids, parents, errors, anchors from `code.*`, evidence that was lost."""

from collections.abc import Iterable, Iterator, Sequence

from harnessfix_collectors.dialects import Normal, normalise
from harnessfix_collectors.dialects.base import REDACTED
from harnessfix_collectors.merge import SCOPE, merge_duplicates
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import JsonValue
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import ErrorInfo, Source, StepEvent, TraceStep
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import AnchorKind, Evidence, Outcome, Route, Status, StepKind

from .span import OtlpSpan, SpanEvent

CODE_FUNCTION = ("code.function.name", "code.function")
CODE_FILE = ("code.file.path", "code.filepath")
CODE_LINE = ("code.line.number", "code.lineno")
LONG = 200


def recordings(
    spans: Iterable[OtlpSpan], format_name: str, filename: str, incomplete: Sequence[str]
) -> Iterator[Recording]:
    """One recording per trace id, in order of first appearance; a span id seen twice counts once.

    Args:
        spans: in any order.
        format_name, filename: for `Source`.
        incomplete: trouble met while reading, added to every recording.
    """
    traces: dict[str, dict[str, OtlpSpan]] = {}
    for span in spans:
        traces.setdefault(span.trace_id, {}).setdefault(span.span_id, span)
    for trace_id, members in traces.items():
        yield _recording(trace_id, list(members.values()), format_name, filename, incomplete)


def _recording(
    trace_id: str, spans: list[OtlpSpan], format_name: str, filename: str, incomplete: Sequence[str]
) -> Recording:
    spans.sort(key=lambda span: (span.start_ns or 0, span.end_ns is None, -(span.end_ns or 0)))
    ids = {span.span_id: f"s{number}" for number, span in enumerate(spans, 1)}
    pool = TextPool()
    steps = [
        _step(span, ids, pool, Source(format=format_name, file=filename, span_ids=(span.span_id,))) for span in spans
    ]
    roots = [(span, step) for span, step in zip(spans, steps) if step.parent is None]
    starts = [span.start_ns for span in spans if span.start_ns]
    ends = [span.end_ns for span in spans if span.end_ns]
    failed = any(step.status is Status.ERROR for _, step in roots)
    run = RunInfo(
        id=trace_id,
        name=roots[0][1].name if roots else (steps[0].name if steps else ""),
        task=_task(roots[0][0]) if roots else "",
        started_ns=min(starts, default=None),
        ended_ns=max(ends, default=None),
        outcome=Outcome.FAILED if failed else Outcome.UNKNOWN,
        outcome_by="span-status" if failed else "",
        format=format_name,
        attributes=dict(spans[0].resource) if spans else {},
    )
    merged = merge_duplicates(steps)
    return Recording(run=run, steps=merged, texts=pool.texts, incomplete=tuple(incomplete))


def _step(span: OtlpSpan, ids: dict[str, str], pool: TextPool, source: Source) -> TraceStep:
    normal = normalise(span, pool)
    parent = ids.get(span.parent_id)
    missing = list(span.dropped)
    if span.parent_id and parent is None:
        missing.append(f"its parent span {span.parent_id} is not in the trace")
    missing.extend(lacking(span, normal))
    return TraceStep(
        id=ids[span.span_id],
        parent=parent if parent != ids[span.span_id] else None,
        kind=normal.kind,
        name=normal.name,
        agent=normal.agent,
        started_ns=span.start_ns,
        ended_ns=span.end_ns,
        input=tuple(normal.input),
        output=tuple(normal.output),
        status=status_of(span),
        error=error_of(span),
        finish_reason=normal.finish_reason,
        usage=normal.usage,
        anchors=tuple(code_anchors(span)),
        events=tuple(StepEvent(name=e.name, time_ns=e.time_ns, attributes=e.attributes) for e in span.events),
        source=source,
        attributes={key: value for key, value in span.attributes.items() if key not in normal.used}
        | {SCOPE: span.scope},
        missing=tuple(missing),
    )


def lacking(span: OtlpSpan, normal: Normal) -> Iterator[str]:
    """What a span was not given, in words."""
    if any(isinstance(value, str) and value in REDACTED for value in span.attributes.values()):
        yield "content was redacted where it was recorded"
    if normal.kind is StepKind.MODEL_CALL and not normal.input and not normal.output:
        yield "messages were not recorded"


def status_of(span: OtlpSpan) -> Status:
    """How a span ended."""
    if span.status == 2:
        return Status.ERROR
    return Status.UNFINISHED if span.end_ns is None else Status.OK


def error_of(span: OtlpSpan) -> ErrorInfo | None:
    """The last exception that it tells, else what its status says."""
    event = next((event for event in reversed(span.events) if event.name == "exception"), None)
    if event is not None:
        return ErrorInfo(
            type=_attribute(event, "exception.type") or "Exception",
            message=_attribute(event, "exception.message"),
            traceback=_attribute(event, "exception.stacktrace"),
        )
    if span.status == 2:
        kind = span.text("error.type") or "error"
        return ErrorInfo(type=kind, message=span.status_message or span.text("error.message") or "")
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


def _task(span: OtlpSpan) -> str:
    value = span.text("harnessfix.task", "task", "input.value", "gen_ai.agent.name") or span.name
    return value if len(value) <= LONG else ""

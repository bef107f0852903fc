"""From the body of a request to chunks: what each trace gets of it, checked, without secrets."""

from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import DecodeError

from harnessfix_collectors.otlp.frames import Signal

from .answers import Refused, Report
from .json_messages import message_of_json
from .lenient import mended
from .scrub import Scrubber
from .shapes import SHAPES, Shape

TRACE_ID, SPAN_ID = 16, 8
NO_TRACE, NO_SPAN = bytes(TRACE_ID), bytes(SPAN_ID)


@dataclass(frozen=True)
class Chunk:
    """What one request says about one trace.

    Args:
        trace: its id, 16 bytes.
        signal: which message `data` is.
        items: how many spans or log records it holds.
        rooted: whether a span without a parent is among them, which as a rule is the last to be sent.
        data: a serialised `TracesData` or `LogsData`.
    """

    trace: bytes
    signal: Signal
    items: int
    rooted: bool
    data: bytes


@dataclass
class Batch:
    """A request that was understood.

    Args:
        chunks: to be kept.
        report: for the client.
        secrets: how many were replaced.
    """

    chunks: list[Chunk] = field(default_factory=list)
    report: Report = field(default_factory=Report)
    secrets: int = 0


def understand(body: bytes, signal: Signal, scrubber: Scrubber, *, json: bool = False) -> Batch:
    """Parse, check, redact and split the decompressed body of a request.

    Args:
        body: protobuf or JSON.
        signal: as its path or its service says.
        scrubber: takes secrets out.
        json: whether it is OTLP/JSON.

    Raises:
        Refused: it is not a request of that signal.
    """
    shape, batch = SHAPES[signal], Batch()
    if json:
        request = message_of_json(body, shape, batch.report)
        body = request.SerializeToString()
    else:
        request, body = _parsed(body, signal, shape, batch.report)
    if scrubber.suspects(body):
        batch.secrets = scrubber.scrub(request)
        if batch.secrets:
            body = request.SerializeToString()
    traces, rooted, good = _survey(request, signal, shape, batch.report)
    batch.report.accepted = good
    if len(traces) == 1 and not batch.report.rejected:
        batch.chunks = [Chunk(traces.pop(), signal, good, bool(rooted), body)]
    elif traces:
        batch.chunks = _split(request, signal, shape, rooted)
    return batch


def _parsed(body: bytes, signal: Signal, shape: Shape, report: Report) -> tuple[Any, bytes]:
    try:
        return shape.request.FromString(body), body
    except DecodeError:
        pass
    try:
        body, count = mended(signal, body)
        request = shape.request.FromString(body)
    except DecodeError:
        name = shape.request.DESCRIPTOR.name
        raise Refused(f"the body is not an OTLP {name} in protobuf (or nested too deeply)") from None
    report.remarks.append(f"{count} texts were not UTF-8; their broken bytes were replaced")
    return request, body


def _survey(request: Any, signal: Signal, shape: Shape, report: Report) -> tuple[set[bytes], set[bytes], int]:
    """Trace ids, those of them whose root is here, and the number of items that can be kept."""
    traces: set[bytes] = set()
    rooted: set[bytes] = set()
    good = 0
    for resource in getattr(request, shape.resources):
        for scope in getattr(resource, shape.scopes):
            for item in getattr(scope, shape.items):
                trace = item.trace_id
                trouble = _trouble(trace, item.span_id, signal)
                if trouble:
                    report.problems[trouble] += 1
                    continue
                good += 1
                traces.add(trace)
                if signal == "traces" and not item.parent_span_id:
                    rooted.add(trace)
    return traces, rooted, good


def _trouble(trace: bytes, span: bytes, signal: Signal) -> str:
    """Why an item cannot be kept; empty when it can."""
    if len(trace) == TRACE_ID and len(span) == SPAN_ID and trace != NO_TRACE and span != NO_SPAN:
        return ""
    if signal == "logs" and not any(trace):
        return "the log record has no trace id, so it belongs to no run"
    if len(trace) != TRACE_ID:
        return f"the trace id has {len(trace)} bytes, not {TRACE_ID}"
    if trace == NO_TRACE:
        return "the trace id is all zeros"
    if signal == "logs" and not any(span):
        return ""
    return "the span id is all zeros" if span == NO_SPAN else f"the span id has {len(span)} bytes, not {SPAN_ID}"


def _split(request: Any, signal: Signal, shape: Shape, rooted: set[bytes]) -> list[Chunk]:
    """One message for each trace, with the resources and scopes that it needs."""
    parts: dict[bytes, Any] = {}
    counts: dict[bytes, int] = {}
    for resource in getattr(request, shape.resources):
        for scope in getattr(resource, shape.scopes):
            homes: dict[bytes, Any] = {}
            for item in getattr(scope, shape.items):
                trace = item.trace_id
                home = homes.get(trace)
                if home is None:
                    if _trouble(trace, item.span_id, signal):
                        continue
                    home = homes[trace] = _home(parts.setdefault(trace, shape.request()), resource, scope, shape)
                elif _trouble(trace, item.span_id, signal):
                    continue
                home.append(item)
                counts[trace] = counts.get(trace, 0) + 1
    return [
        Chunk(trace, signal, counts[trace], trace in rooted, message.SerializeToString())
        for trace, message in parts.items()
    ]


def _home(message: Any, resource: Any, scope: Any, shape: Shape) -> Any:
    """The list of items of a scope like `scope`, added to `message`."""
    outer = getattr(message, shape.resources).add(schema_url=resource.schema_url)
    outer.resource.CopyFrom(resource.resource)
    inner = getattr(outer, shape.scopes).add(schema_url=scope.schema_url)
    inner.scope.CopyFrom(scope.scope)
    return getattr(inner, shape.items)

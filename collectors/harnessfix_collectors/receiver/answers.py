"""What a client is told: accepted (in part), or refused with a reason."""

from collections import Counter
from dataclasses import dataclass, field

from harnessfix_collectors.otlp.frames import Signal

MOST_REASONS = 5


class Refused(Exception):
    """A request that is not accepted, in the words of both protocols.

    Args:
        reason: for the client and the log.
        http: status code.
        grpc: name of the gRPC status code.
        again: seconds after which the client may send the same again; None when it should not.
    """

    def __init__(self, reason: str, *, http: int = 400, grpc: str = "INVALID_ARGUMENT", again: float | None = None):
        super().__init__(reason)
        self.reason, self.http, self.grpc, self.again = reason, http, grpc, again


def come_again(reason: str, seconds: float, *, http: int = 503) -> Refused:
    """A refusal that is over in a while."""
    # A gRPC client retries UNAVAILABLE always, RESOURCE_EXHAUSTED only when it is told when.
    return Refused(reason, http=http, grpc="UNAVAILABLE" if http == 503 else "RESOURCE_EXHAUSTED", again=seconds)


@dataclass
class Report:
    """What became of the items (spans or log records) of one request.

    Args:
        accepted: how many are kept.
        problems: reason to how many items were rejected for it.
        remarks: what happened to items that are kept all the same.
    """

    accepted: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)

    @property
    def rejected(self) -> int:
        """How many items are not kept."""
        return self.problems.total()

    @property
    def message(self) -> str:
        """All reasons in one line, the most frequent first; empty when there are none."""
        told = [f"{number} rejected: {why}" for why, number in self.problems.most_common(MOST_REASONS)]
        if len(self.problems) > MOST_REASONS:
            told.append(f"{len(self.problems) - MOST_REASONS} more reasons")
        return "; ".join([*told, *self.remarks])


def export_response(signal: Signal, report: Report) -> "object":
    """The response message of a signal, with a partial success where something is to be said."""
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    if signal == "traces":
        traces = ExportTraceServiceResponse()
        if report.message:
            traces.partial_success.rejected_spans = report.rejected
            traces.partial_success.error_message = report.message
        return traces
    logs = ExportLogsServiceResponse()
    if report.message:
        logs.partial_success.rejected_log_records = report.rejected
        logs.partial_success.error_message = report.message
    return logs

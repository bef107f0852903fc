"""A receiver on a port of its own over a sink in memory, and requests to send to it."""

# Its names are there whenever a test runs: without its packages there are none.
# pyright: reportPossiblyUnboundVariable=false

import http.client
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import distributions
from typing import Any

import pytest

from harnessfix_ir.errors import HarnessfixError

NEEDED = {"ahocorasick-rs", "googleapis-common-protos", "opentelemetry-proto", "uvicorn"}
INSTALLED = {str(found.metadata["Name"]).lower().replace("_", "-") for found in distributions()}
collect_ignore_glob = [] if NEEDED <= INSTALLED else ["test_*.py"]

if not collect_ignore_glob:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
        ExportTraceServiceRequest,
        ExportTraceServiceResponse,
    )

    from harnessfix_collectors.receiver.batch import Chunk
    from harnessfix_collectors.receiver.limits import Limits
    from harnessfix_collectors.receiver.receiver import Receiver
    from harnessfix_collectors.receiver.scrub import Scrubber
    from harnessfix_collectors.receiver.serving import Serving

TRACE = bytes(range(1, 17))
SECRET = "s3cr3t-of-the-environment"


def spans(count: int = 1, *, trace: bytes = TRACE, first: int = 1, text: str = "hello") -> Any:
    """A request with so many spans of one trace; the first of a trace is its root."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    scope.scope.name = "tests"
    for number in range(first, first + count):
        span = scope.spans.add(trace_id=trace, span_id=number.to_bytes(8, "big"), name=f"step {number}")
        span.start_time_unix_nano, span.end_time_unix_nano = number * 10**9, number * 10**9 + 10**8
        if number > 1:
            span.parent_span_id = (1).to_bytes(8, "big")
        span.attributes.add(key="input.value").value.string_value = text
    return request


@dataclass
class Memory:
    """A sink that keeps chunks in memory, or fails while `trouble` is set."""

    chunks: "list[Chunk]" = field(default_factory=list)
    commits: int = 0
    trouble: HarnessfixError | None = None

    def keep(self, chunks: "Sequence[Chunk]") -> None:
        """As `Sink` says."""
        if self.trouble is not None:
            raise self.trouble
        self.chunks += chunks
        self.commits += 1

    @property
    def items(self) -> int:
        """Spans and records that were kept."""
        return sum(chunk.items for chunk in self.chunks)


@dataclass
class Answer:
    """What a client gets back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def partial(self) -> Any:
        """The partial success of an export response."""
        return ExportTraceServiceResponse.FromString(self.body).partial_success

    @property
    def reason(self) -> str:
        """The message of a `google.rpc.Status`."""
        from google.rpc.status_pb2 import Status

        return str(Status.FromString(self.body).message)


@dataclass
class Running:
    """A receiver at work."""

    sink: Memory
    serving: "Serving"
    receiver: "Receiver"
    log: list[str]

    def post(
        self, body: bytes, path: str = "/v1/traces", *, kind: str = "application/x-protobuf", **headers: str
    ) -> Answer:
        """Send one request; headers are spelled with underscores."""
        return self.request("POST", path, body, {"Content-Type": kind, **_dashed(headers)})

    def request(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        """Any request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.serving.port, timeout=120)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            told = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, told, response.read())
        finally:
            connection.close()

    def lives(self) -> bool:
        """Whether it still takes a request."""
        before = self.sink.items
        return self.post(spans(1).SerializeToString()).status == 200 and self.sink.items == before + 1


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


Serve = Callable[..., Running]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Makes receivers that are stopped at the end of the test."""
    with ExitStack() as stack:

        def make(
            *, token: str | None = None, grpc: bool = False, patterns: Sequence[str] = (), **limits: Any
        ) -> Running:
            sink, log = Memory(), list[str]()
            environment = {"SERVICE_API_KEY": SECRET, "MAIL_PASSWORD": 'pass"wörd\\long'}
            scrubber = Scrubber(patterns=patterns, environment=environment)
            receiver = Receiver(sink, scrubber, Limits(**limits), tell=log.append)
            serving = Serving(receiver, host="127.0.0.1", port=0, grpc_port=0 if grpc else None, token=token)
            stack.callback(serving.stop)
            return Running(sink, serving, receiver, log)

        yield make


@pytest.fixture
def running(serve: Serve) -> Running:
    """A receiver with the usual limits."""
    return serve()


@pytest.fixture
def make_spans() -> Callable[..., Any]:
    """`spans`, for tests."""
    return spans

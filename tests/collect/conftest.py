"""`harnessfix collect` as a process of its own, and requests to send to it."""

# Its names are there whenever a test runs: without its packages there are none.
# pyright: reportPossiblyUnboundVariable=false

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest

from benchmarks.servers import new_schema

NEEDED = {"ahocorasick-rs", "googleapis-common-protos", "opentelemetry-proto", "uvicorn"}
INSTALLED = {str(found.metadata["Name"]).lower().replace("_", "-") for found in distributions()}
collect_ignore_glob = [] if NEEDED <= INSTALLED else ["test_*.py"]

if not collect_ignore_glob:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ADDRESS = re.compile(r"OTLP/HTTP on http://[\d.]+:(\d+)")


def spans(trace: int, numbers: Sequence[int], *, text: str = "hello") -> bytes:
    """A request with these spans of one trace; span 1 is its root."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for number in numbers:
        span = scope.spans.add(trace_id=trace.to_bytes(16, "big"), span_id=number.to_bytes(8, "big"))
        span.name = f"step {number}"
        span.start_time_unix_nano, span.end_time_unix_nano = number * 10**9, number * 10**9 + 10**8
        if number > 1:
            span.parent_span_id = (1).to_bytes(8, "big")
        span.attributes.add(key="input.value").value.string_value = text
    data: bytes = request.SerializeToString()
    return data


@dataclass
class Collector:
    """A running `harnessfix collect`."""

    process: "subprocess.Popen[str]"
    reader: threading.Thread = field(init=False)
    log: list[str] = field(default_factory=list)
    port: int = 0

    def post(self, body: bytes, path: str = "/v1/traces", timeout: float = 30, **headers: str) -> tuple[int, bytes]:
        """Status and body of the answer. Raises `OSError` or `http.client.HTTPException`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/x-protobuf", **headers})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def end(self, number: int = signal.SIGTERM) -> str:
        """Send a signal and return what was printed on stdout."""
        self.process.send_signal(number)
        return self.output()

    def output(self) -> str:
        """What was printed on stdout, once it has ended; its whole log is in `log` then."""
        assert self.process.stdout is not None
        # Not `communicate`, which would read stderr too and take lines from the thread that fills `log`.
        out = self.process.stdout.read()
        self.process.wait(timeout=120)
        self.reader.join(timeout=120)
        return out


Start = Callable[..., Collector]


@pytest.fixture
def collect(tmp_path: Path) -> Iterator[Start]:
    """Starts `harnessfix collect` in the test's folder; whatever still runs at the end is killed."""
    started: list[Collector] = []

    def start(*options: str, before: str = "", **environment: str) -> Collector:
        command = [sys.executable, "-c", f"{before}\nfrom harnessfix.cli import main; main()", "collect"]
        process = subprocess.Popen(
            [*command, "--port", "0", "--no-grpc", *options],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        collector = Collector(process)
        started.append(collector)
        ready = threading.Event()

        def read() -> None:
            assert process.stderr is not None
            for line in process.stderr:
                collector.log.append(line.rstrip())
                found = ADDRESS.search(line)
                if found:
                    collector.port = int(found[1])
                    ready.set()
            ready.set()

        collector.reader = threading.Thread(target=read, daemon=True)
        collector.reader.start()
        assert ready.wait(600)
        assert collector.port, collector.log
        return collector

    yield start
    for collector in started:
        if collector.process.poll() is None:
            collector.process.kill()
        collector.process.wait()
        for stream in (collector.process.stdout, collector.process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def database(server: str) -> Iterator[str]:
    """URL of a schema of its own on the server."""
    with new_schema(server) as url:
        yield url


@pytest.fixture
def make_spans() -> Callable[..., bytes]:
    """`spans`, for tests."""
    return spans


@pytest.fixture
def wait_for() -> Callable[[Callable[[], Any]], Any]:
    """Waits until a condition holds, and returns what it gave."""

    def wait(condition: Callable[[], Any]) -> Any:
        for _ in range(12_000):
            found = condition()
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError("it did not come about within ten minutes")

    return wait

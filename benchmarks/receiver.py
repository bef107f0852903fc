"""What the receiver takes: spans a second that are on the disk when they are answered for.

    python -m benchmarks.receiver [--long] [--phoenix PYTHON]

`spans_per_s`: over loopback, four clients, requests of 500 spans of four traces, by the wall clock; the clients share
the machine with the receiver. `ratio_to_bound`: CPU time per span of one process that does nothing but decode the same
requests and insert one row a span (ids unique, one transaction a request, flushed to the disk), by the receiver's CPU
time per span, the three rounds of both in turn. `ratio_to_bound_wall`: the same by the wall clock, for which a machine
with nothing else to do is needed. `settled_spans_per_s`: how fast the inbox becomes runs, steps and words of the
store, which the receiver leaves to another process. `lost_after_kill` and `doubled_after_retry`: spans, after SIGKILL
under load and after what was not answered was sent again.

`--long` sends a million spans and says how the receiver's memory grew from the first tenth to the last.
`--phoenix PYTHON` compares with arize-phoenix, which that interpreter can import: spans a second until all of them are
on the disk, by the wall clock and in CPU time, of both after a first request, and over so many that either works for
some seconds; to Phoenix that is a fraction of what this receiver gets.
"""

import argparse
import contextlib
import http.client
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

BATCH, TRACES, BATCHES, CLIENTS, ROUNDS = 500, 4, 60, 4, 3
LONG = 1_000_000
KILLED_AFTER = 30
TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
ADDRESS = re.compile(r"OTLP/HTTP on http://127\.0\.0\.1:(\d+)")
PHOENIX_SPANS, OWN_BATCHES = 5_000, 120


class Material:
    """Requests of made-up agents: messages, tool calls and results, no span id twice."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        letters = "abcdefghijklmnopqrstuvwxyz"
        self._words = ["".join(self._random.choices(letters, k=self._random.randint(2, 11))) for _ in range(20_000)]
        self._pattern = self._request()

    def requests(self, count: int) -> Iterator[bytes]:
        """So many serialised requests."""
        for _ in range(count):
            traces = [self._random.randbytes(16) for _ in range(TRACES)]
            for number, span in enumerate(self._pattern.resource_spans[0].scope_spans[0].spans):
                span.trace_id, span.span_id = traces[number % TRACES], self._random.randbytes(8)
            data: bytes = self._pattern.SerializeToString()
            yield data

    def _request(self) -> Any:
        request = ExportTraceServiceRequest()
        resource = request.resource_spans.add()
        resource.resource.attributes.add(key="service.name").value.string_value = "agent"
        scope = resource.scope_spans.add()
        scope.scope.name = "benchmark"
        for number in range(BATCH):
            span = scope.spans.add(trace_id=bytes(16), span_id=bytes(8), name="chat model" if number % 2 else "tool")
            span.start_time_unix_nano, span.end_time_unix_nano = 10**18 + number, 10**18 + number + 10**6
            if number >= TRACES:
                span.parent_span_id = b"parent.."
            for key in ("operation.name", "provider.name", "request.model", "response.id", "agent.name", "tool.name"):
                span.attributes.add(key=f"gen_ai.{key}").value.string_value = self._text(1)
            for key in ("input_tokens", "output_tokens", "cache_read.input_tokens"):
                span.attributes.add(key=f"gen_ai.usage.{key}").value.int_value = self._random.randint(1, 10**5)
            span.attributes.add(key="gen_ai.input.messages").value.string_value = self._text(170)
            span.attributes.add(key="gen_ai.output.messages").value.string_value = self._text(50)
        return request

    def _text(self, words: int) -> str:
        return " ".join(self._random.choices(self._words, k=words))


def cpu_of(process: int) -> float:
    """CPU seconds that a process has used (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Collector:
    """`harnessfix collect` in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = [
            sys.executable,
            "-c",
            "from harnessfix.cli import main; main()",
            "collect",
            "--port",
            "0",
            "--no-grpc",
        ]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stderr is not None
        for line in self.process.stderr:
            found = ADDRESS.search(line)
            if found:
                self.port = int(found[1])
                break
        else:
            raise RuntimeError("the receiver did not start")
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    @property
    def memory(self) -> float:
        """Resident MiB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def end(self, number: int = signal.SIGTERM) -> None:
        """Send a signal and wait."""
        self.process.send_signal(number)
        self.process.wait()

    def held(self) -> int:
        """Spans of the runs of its store, after everything in the inbox became a run."""
        from harnessfix.workspace import Workspace

        with Workspace.open(self.folder, create=True).store as store:
            return sum(row.steps for row in store.runs(limit=None))


def send(
    port: int, requests: Iterator[bytes], headers: dict[str, str] | None = None
) -> tuple[list[bytes], list[bytes]]:
    """Send requests over several connections; those that were answered for, and those that were not."""
    lock, answered, not_answered = threading.Lock(), list[bytes](), list[bytes]()

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while True:
            with lock:
                body = next(requests, None)
            if body is None:
                break
            try:
                connection.request(
                    "POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"} | (headers or {})
                )
                response = connection.getresponse()
                response.read()
                good = response.status == 200
            except (OSError, http.client.HTTPException):
                good = False
            with lock:
                (answered if good else not_answered).append(body)
            if not good:
                break
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answered, not_answered


def bound(requests: Sequence[bytes], path: Path) -> tuple[float, float]:
    """Wall and CPU seconds of one process that decodes and commits, and nothing else."""
    began, cpu = time.perf_counter(), time.process_time()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        for pragma in ("page_size=8192", "journal_mode=wal", "synchronous=full"):
            db.execute(f"PRAGMA {pragma}")
        db.execute("CREATE TABLE span (trace BLOB, span BLOB, data BLOB, UNIQUE (trace, span))")
        for body in requests:
            request = ExportTraceServiceRequest.FromString(body)
            spans = (s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans)
            db.execute("BEGIN IMMEDIATE")
            db.executemany(
                "INSERT OR IGNORE INTO span VALUES (?, ?, ?)",
                [(span.trace_id, span.span_id, span.SerializeToString()) for span in spans],
            )
            db.execute("COMMIT")
    return time.perf_counter() - began, time.process_time() - cpu


def speed(folder: Path) -> dict[str, float]:
    """Rounds of bound and receiver in turn."""
    material = Material()
    bounds, walls, cpus, settled = [], [], [], []
    for number in range(ROUNDS):
        requests = list(material.requests(BATCHES))
        bounds.append(bound(requests, folder / f"bound-{number}.db"))
        home = folder / f"speed-{number}"
        home.mkdir()
        collector = Collector(home)
        send(collector.port, iter(requests[:2]))
        cpu, began = cpu_of(collector.process.pid), time.perf_counter()
        answered, _ = send(collector.port, iter(requests[2:]))
        walls.append((time.perf_counter() - began) / len(answered))
        cpus.append((cpu_of(collector.process.pid) - cpu) / len(answered))
        collector.end(signal.SIGKILL)
        began = time.perf_counter()
        settled.append(collector.held() / (time.perf_counter() - began) if number == 0 else 0.0)
        shutil.rmtree(home, ignore_errors=True)
    bound_wall = statistics.median(wall for wall, _ in bounds) / BATCHES
    bound_cpu = statistics.median(cpu for _, cpu in bounds) / BATCHES
    return {
        "spans_per_s": BATCH / statistics.median(walls),
        "ratio_to_bound": bound_cpu / statistics.median(cpus),
        "ratio_to_bound_wall": bound_wall / statistics.median(walls),
        "bound_spans_per_s": BATCH / bound_wall,
        "settled_spans_per_s": settled[0],
        "cpu_us_per_span": statistics.median(cpus) / BATCH * 1e6,
    }


def kill(folder: Path) -> dict[str, float]:
    """SIGKILL under load; then everything that was not answered is sent again to the next receiver, twice."""
    collector, material = Collector(folder), Material(2)
    sent = 0

    def requests() -> Iterator[bytes]:
        nonlocal sent
        for body in material.requests(10_000):
            sent += 1
            if sent == KILLED_AFTER:
                threading.Timer(0.02, collector.process.kill).start()
            yield body

    answered, not_answered = send(collector.port, requests())
    collector.process.wait()
    collector = Collector(folder)
    again, refused = send(collector.port, iter(not_answered * 2))
    assert not refused
    assert len(again) == 2 * len(not_answered)
    collector.end()
    wanted, held = BATCH * (len(answered) + len(not_answered)), collector.held()
    return {"lost_after_kill": float(max(0, wanted - held)), "doubled_after_retry": float(max(0, held - wanted))}


def long_run(folder: Path, spans: int = LONG) -> dict[str, float]:
    """Memory of the receiver over so many spans."""
    collector, material = Collector(folder), Material(3)
    sizes = []
    began = time.perf_counter()
    for _ in range(20):
        answered, refused = send(collector.port, material.requests(spans // BATCH // 20))
        assert not refused
        assert answered
        sizes.append(collector.memory)
    rate = spans / (time.perf_counter() - began)
    collector.end(signal.SIGKILL)
    return {
        "long_spans": float(spans),
        "long_spans_per_s": rate,
        "memory_mib_first_tenth": sizes[1],
        "memory_mib_last": sizes[-1],
        "memory_mib_most": max(sizes),
    }


def phoenix(folder: Path, python: str) -> dict[str, float]:
    """Spans a second that arize-phoenix has in its database, from the second request to the last row; and ours."""
    with socket.create_server(("127.0.0.1", 0)) as free, socket.create_server(("127.0.0.1", 0)) as other:
        port, grpc_port = free.getsockname()[1], other.getsockname()[1]
    environment = {
        **os.environ,
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(grpc_port),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    requests = list(Material(4).requests(PHOENIX_SPANS // BATCH))
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [python, "-m", "phoenix.server.main", "serve"], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait_for(port, process)
            _until_kept(port, requests[:1], folder / "phoenix.db", BATCH)
            cpu, began = cpu_of(process.pid), time.perf_counter()
            spans = BATCH * (len(requests) - 1)
            _until_kept(port, requests[1:], folder / "phoenix.db", BATCH + spans)
            wall, cpu = (time.perf_counter() - began) / spans, (cpu_of(process.pid) - cpu) / spans
        finally:
            process.terminate()
            process.wait()
    collector, requests = Collector(folder), list(Material(5).requests(OWN_BATCHES))
    send(collector.port, iter(requests[:1]))
    own_cpu, began = cpu_of(collector.process.pid), time.perf_counter()
    answered, _ = send(collector.port, iter(requests[1:]))
    own = BATCH * len(answered)
    own_wall, own_cpu = (time.perf_counter() - began) / own, (cpu_of(collector.process.pid) - own_cpu) / own
    collector.end(signal.SIGKILL)
    return {
        "phoenix_spans_per_s": 1 / wall,
        "ratio_to_phoenix": wall / own_wall,
        "ratio_to_phoenix_cpu": cpu / own_cpu,
    }


def _until_kept(port: int, requests: Sequence[bytes], database: Path, wanted: int) -> None:
    """Send requests to Phoenix and wait until its database has so many spans."""
    _, refused = send(port, iter(requests))
    assert not refused, "phoenix refused requests"
    while _rows(database) < wanted:
        time.sleep(0.2)


def _rows(database: Path) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as db:
        return int(db.execute("SELECT count(*) FROM spans").fetchone()[0])


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.2)
    raise RuntimeError("phoenix did not start")


def measure(*, long: bool = False, phoenix_python: str | None = None) -> dict[str, float]:
    """All figures by name."""
    with tempfile.TemporaryDirectory(prefix="harnessfix-bench-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        for name in ("kill", "long", "phoenix"):
            (folder / name).mkdir()
        found = speed(folder) | kill(folder / "kill")
        if long:
            found |= long_run(folder / "long")
        if phoenix_python is not None:
            found |= phoenix(folder / "phoenix", phoenix_python)
        return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--phoenix", metavar="PYTHON")
    chosen = parser.parse_args()
    for name, value in measure(long=chosen.long, phoenix_python=chosen.phoenix).items():
        print(f"{name:<24} {value:,.3f}")

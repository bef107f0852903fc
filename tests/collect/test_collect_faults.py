"""What may befall a receiver while it works: each for real, over sockets, with a process of its own."""

import contextlib
import http.client
import json
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from harnessfix.receiving.inbox_runs import take_received
from harnessfix.store import Store

MakeSpans = Callable[..., bytes]
SPANS = 20


def runs(tmp_path: Path) -> dict[str, int]:
    """Steps of every run, those included that still lie in the inbox."""
    with Store.open(tmp_path / ".harnessfix" / "store.db") as store:
        take_received(store, tmp_path / ".harnessfix")
        return {row.id: row.steps for row in store.runs(limit=None)}


def test_killed_under_load(collect: Any, make_spans: MakeSpans, tmp_path: Path) -> None:
    """Nothing that was acknowledged is lost, and what the clients send again doubles nothing."""
    first, second = collect(), None
    acknowledged: set[int] = set()
    unsure: list[int] = []
    lock = threading.Lock()

    def send(start: int) -> None:
        for trace in range(start, start + 10_000):
            try:
                status, _ = first.post(make_spans(trace, range(1, SPANS + 1)), timeout=120)
            except (OSError, http.client.HTTPException):
                with lock:
                    unsure.append(trace)
                return
            assert status == 200
            with lock:
                acknowledged.add(trace)

    clients = [threading.Thread(target=send, args=(number * 100_000 + 1,)) for number in range(4)]
    for client in clients:
        client.start()
    while len(acknowledged) < 200:
        time.sleep(0.01)
    first.process.kill()
    for client in clients:
        client.join()
    assert len(unsure) == 4
    second = collect()
    for trace in unsure:
        assert second.post(make_spans(trace, range(1, SPANS + 1)))[0] == 200
        assert second.post(make_spans(trace, range(1, SPANS + 1)))[0] == 200
    second.end()
    held = runs(tmp_path)
    assert {f"{trace:032x}" for trace in acknowledged} | {f"{trace:032x}" for trace in unsure} == set(held)
    assert set(held.values()) == {SPANS}


def settling_of(process: int) -> list[int]:
    """The processes that make runs for a receiver."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if stat.read_text().rpartition(")")[2].split()[1] == str(process):
                found.append(int(stat.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found through /proc")
def test_the_process_that_makes_runs(collect: Any, make_spans: MakeSpans, tmp_path: Path, wait_for: Any) -> None:
    """It is started again when it dies, and does not outlive its receiver."""
    collector = collect()
    (first,) = wait_for(lambda: settling_of(collector.process.pid))
    os.kill(first, signal.SIGKILL)
    (second,) = wait_for(lambda: [pid for pid in settling_of(collector.process.pid) if pid != first])
    wait_for(lambda: any("it is started again" in line for line in collector.log))
    collector.process.kill()
    collector.process.wait()
    wait_for(lambda: not Path(f"/proc/{second}").exists())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ended_in_order(collect: Any, make_spans: MakeSpans, tmp_path: Path, number: int) -> None:
    collector = collect("--format", "json")
    assert collector.post(make_spans(5, [1, 2, 3]))[0] == 200
    told = json.loads(collector.end(number))
    assert (told["schema"], told["spans"], told["requests"]) == ("harnessfix.collect/1", 3, 1)
    assert collector.process.returncode == 0
    assert not any("rror" in line for line in collector.log)
    assert list(runs(tmp_path).values()) == [3]


def test_a_request_under_way_is_answered_at_the_end(collect: Any, make_spans: MakeSpans, tmp_path: Path) -> None:
    collector, body = collect(), make_spans(5, [1, 2, 3], text="x" * 5000)
    connection = http.client.HTTPConnection("127.0.0.1", collector.port, timeout=20)
    connection.putrequest("POST", "/v1/traces")
    connection.putheader("Content-Type", "application/x-protobuf")
    connection.putheader("Content-Length", str(len(body)))
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    interim = b""
    while not interim.endswith(b"\r\n\r\n"):  # then it waits for the body
        interim += connection.sock.recv(1)
    assert b" 100 " in interim
    connection.send(body[:2000])
    collector.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)  # mostly the signal comes first, which makes it harder
    connection.send(body[2000:])
    assert connection.getresponse().status == 200
    connection.close()
    collector.output()
    assert list(runs(tmp_path).values()) == [3]


def test_the_run_is_there_while_it_receives(collect: Any, make_spans: MakeSpans, tmp_path: Path, wait_for: Any) -> None:
    collector = collect()
    assert collector.post(make_spans(5, [1, 2, 3]))[0] == 200

    def listed() -> list[int]:
        with Store.open(tmp_path / ".harnessfix" / "store.db") as store:
            return [row.steps for row in store.runs()]

    assert wait_for(listed) == [3]


@pytest.mark.skipif(os.name != "posix", reason="limits of file sizes are POSIX")
def test_a_full_disk(collect: Any, make_spans: MakeSpans, tmp_path: Path, wait_for: Any) -> None:
    most = 3 << 20
    collector = collect(before=f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))")
    kept, refused = [], b""
    for trace in range(1, 40):
        status, answer = collector.post(make_spans(trace, [1, 2], text="y" * 200_000))
        if status != 200:
            assert status == 503
            refused = answer
            break
        kept.append(trace)
    assert kept
    assert b"nothing of this request was kept" in refused
    assert b"store.db.inbox" in refused
    wait_for(lambda: any("could not be kept" in line for line in collector.log))
    assert collector.post(b"\xff")[0] == 400  # it lives on
    collector.process.kill()
    collector.process.wait()
    assert set(runs(tmp_path)) == {f"{trace:032x}" for trace in kept}


def test_a_locked_store_does_not_stop_receiving(collect: Any, make_spans: MakeSpans, tmp_path: Path) -> None:
    place = tmp_path / ".harnessfix" / "store.db"
    Store.open(place).close()
    with contextlib.closing(sqlite3.connect(place, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        collector = collect()
        assert collector.post(make_spans(5, [1, 2]))[0] == 200
        time.sleep(3)
        other.execute("ROLLBACK")
    collector.end()
    assert list(runs(tmp_path).values()) == [2]


def test_a_locked_inbox_is_told(collect: Any, make_spans: MakeSpans, tmp_path: Path, wait_for: Any) -> None:
    collector = collect()
    assert collector.post(make_spans(4, [1]))[0] == 200
    answers: list[tuple[int, bytes]] = []
    with contextlib.closing(
        sqlite3.connect(tmp_path / ".harnessfix" / "store.db.inbox", isolation_level=None)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        client = threading.Thread(target=lambda: answers.append(collector.post(make_spans(5, [1, 2]), timeout=60)))
        client.start()
        client.join()
        other.execute("ROLLBACK")
    assert answers[0][0] == 503
    assert b"is locked by another process" in answers[0][1]
    wait_for(lambda: any("is locked by another process" in line for line in collector.log))
    assert collector.post(make_spans(5, [1, 2]))[0] == 200


def test_secrets_of_the_environment(collect: Any, make_spans: MakeSpans, tmp_path: Path) -> None:
    secret = "correct-horse-battery-staple"
    collector = collect("--format", "json", DATABASE_PASSWORD=secret)
    assert collector.post(make_spans(5, [1], text=f"log in with {secret}"))[0] == 200
    out = collector.end()
    assert json.loads(out)["secrets"] == 1
    assert secret not in out + "\n".join(collector.log)
    for file in (tmp_path / ".harnessfix").rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes()
    assert len(runs(tmp_path)) == 1
    with Store.open(tmp_path / ".harnessfix" / "store.db") as store:
        assert secret.encode() not in store.blob(f"{5:032x}")[0]
        assert b"log in with <redacted>" in store.blob(f"{5:032x}")[0]


def test_on_another_address_the_token_opens(collect: Any, make_spans: MakeSpans, tmp_path: Path) -> None:
    token = "a-token-of-some-length"
    collector = collect("--host", "0.0.0.0", HARNESSFIX_TOKEN=token)
    assert collector.post(make_spans(5, [1]))[0] == 401
    assert collector.post(make_spans(5, [1, 2]), Authorization=f"Bearer {token}")[0] == 200
    collector.end()
    (told,) = (line for line in collector.log if line.startswith("for programs: "))
    assert "0.0.0.0" not in told
    assert "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN" in told
    assert not any(token in line for line in collector.log)
    assert list(runs(tmp_path).values()) == [2]


class Backend(HTTPServer):
    """Somebody's own backend, which fails as often as it is told to."""

    def __init__(self, failures: int) -> None:
        self.failures, self.got = failures, list[tuple[str, dict[str, str], bytes]]()
        super().__init__(("127.0.0.1", 0), BackendHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/otlp"


class BackendHandler(BaseHTTPRequestHandler):
    server: Backend  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.failures:
            self.server.failures -= 1
            self.send_response(503)
            self.send_header("Retry-After", "0")
        else:
            self.server.got.append((self.path, dict(self.headers), body))
            self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def backend() -> Any:
    servers: list[Backend] = []

    def make(failures: int = 0) -> Backend:
        servers.append(Backend(failures))
        return servers[-1]

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


def test_forwarding(collect: Any, make_spans: MakeSpans, backend: Any, tmp_path: Path) -> None:
    own, body = backend(failures=2), make_spans(5, [1, 2])
    collector = collect("--forward", own.url, "--forward-header", "x-api-key=k1")
    assert collector.post(body)[0] == 200
    assert collector.post(b"\xff")[0] == 400
    assert "2 forwarded, 0 not" in collector.end()
    ((path, headers, got),) = own.got
    assert (path, headers["x-api-key"], headers["Content-Type"]) == ("/otlp/v1/traces", "k1", "application/x-protobuf")
    assert got == body


def test_a_backend_that_is_down_loses_nothing_here(collect: Any, make_spans: MakeSpans, tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as closed:
        port = closed.server_port
    collector = collect("--forward", f"http://127.0.0.1:{port}")
    assert collector.post(make_spans(5, [1, 2]))[0] == 200
    assert "0 forwarded, 2 not" in collector.end()
    assert any("2 items were not forwarded" in line and "kept here" in line for line in collector.log)
    assert list(runs(tmp_path).values()) == [2]

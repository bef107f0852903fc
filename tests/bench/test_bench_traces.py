"""`bench traces`: exceptions are held against their truth, and rewarded runs against silence."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from harnessfix.bench import traces
from harnessfix.bench.traces import trail
from harnessfix_ir.errors import HarnessfixError

AGENT = """\
class Tool:
    def __call__(self, **arguments):
        return self.forward(**arguments)


class Page(Tool):
    def forward(self):
        return "page"
"""


def span(name: str, number: int, kind: str, children: list[Any], error: str = "", line: int = 0) -> dict[str, Any]:
    stack = f'Traceback (most recent call last):\n  File "/site-packages/agentpkg/agent.py", line {line}, in x\n{error}'
    attributes = {"exception.type": error.partition(":")[0], "exception.message": error, "exception.stacktrace": stack}
    return {
        "timestamp": f"2025-03-19T16:38:0{number}.000000Z",
        "trace_id": "t1",
        "span_id": f"s{number}",
        "span_name": name,
        "span_attributes": {"openinference.span.kind": kind, "input.value": "{}", "output.value": ""},
        "duration": "PT1S",
        "status_code": "Error" if error else "Ok",
        "status_message": error,
        "events": [{"Name": "exception", "Attributes": attributes}] if error else [],
        "child_spans": children,
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One trace with two exceptions, and one rewarded run."""
    package = tmp_path / "site" / "agentpkg"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "agent.py").write_text(AGENT)
    monkeypatch.setattr(trail, "interpreter", lambda pins: Path("python"))
    monkeypatch.setattr(trail, "locate_harness", lambda name, python: package)
    wrong = "TypeError: Page.forward() got an unexpected keyword argument 'x'"
    tool = span("Page", 2, "TOOL", [], wrong, line=3)
    other = span("Step 2", 3, "CHAIN", [], "AgentParsingError: no code in it")
    root = tmp_path / "sets" / "trail_gaia"
    (root / "traces").mkdir(parents=True)
    (root / "annotations").mkdir()
    tree = {"trace_id": "t1", "spans": [span("Agent.run", 1, "AGENT", [tool, other])]}
    (root / "traces" / "t1.json.gz").write_bytes(gzip.compress(json.dumps(tree).encode()))
    (root / "annotations" / "t1.json").write_text('{"errors": [{"location": "s2"}]}')
    truth = [
        {"fault_of": "harness", "layer": "tool interface", "anchor": "agent.py:3::Tool.__call__", "span": "s2"},
        {"fault_of": "model", "layer": "-", "anchor": "agent.py:9::Other.x", "span": "s3"},
    ]
    (root / trail.TRUTH).write_bytes(gzip.compress(json.dumps([{"trace": "t1", **one} for one in truth]).encode()))
    rewarded = tmp_path / "sets" / "taubench_airline"
    rewarded.mkdir()
    run = {"task_id": 1, "reward": 1.0, "traj": [{"role": "user", "content": "hi"}], "trial": 0}
    (rewarded / "runs.json.gz").write_bytes(gzip.compress(json.dumps([run]).encode()))
    return tmp_path / "sets"


def test_whose_an_exception_was_and_what_raised_it_are_scored(folder: Path) -> None:
    found = {name: (figures, cases) for name, figures, cases in traces.measure(folder)}
    figures, cases = found["trail_gaia"]
    assert [case["verdict"] for case in cases] == ["harness", "unknown"]
    assert cases[0]["found_function"] == "Tool.__call__"
    assert figures["trail.harness_recall"] == figures["trail.harness_precision"] == figures["trail.function"] == 1
    assert figures["trail.floor_harness_always"] == 0.5
    assert found["taubench_airline"][0]["tau.silent_on_rewarded"] == 1


def test_a_folder_without_a_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessfixError, match="none of trail_gaia"):
        list(traces.measure(tmp_path))


def test_a_truth_that_cannot_be_read_names_its_file(folder: Path) -> None:
    (folder / "trail_gaia" / trail.TRUTH).write_bytes(b"no gzip")
    with pytest.raises(HarnessfixError, match=trail.TRUTH):
        list(traces.measure(folder))

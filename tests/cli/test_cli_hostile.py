"""Traces that are wrong in every way a trace can be: imported, compiled and shown, with the trouble said."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harnessfix.cli import main
from harnessfix_ir.htir import Htir
from harnessfix_ir.serial import load_htir

BEGAN = 1_700_000_000_000_000_000
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look"}
DEEP = 3_000  # three times as deep as Python calls
# What a terminal would obey, or show in another order than it stands.
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def span(number: int, parent: int | None = None, **more: Any) -> dict[str, Any]:
    """A span as OTLP has it; `attributes` are strings, `end` 0 means that none is told."""
    attributes: Mapping[str, str] = more.pop("attributes", {})
    start = more.pop("start", BEGAN + number * 1000)
    end = more.pop("end", start + 500)
    made = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": f"{number:016x}",
        "name": f"part {number}",
        "startTimeUnixNano": str(start),
        "attributes": [{"key": key, "value": {"stringValue": text}} for key, text in attributes.items()],
        **more,
    }
    if end:
        made["endTimeUnixNano"] = str(end)
    if parent is not None:
        made["parentSpanId"] = f"{parent:016x}"
    return made


def result(text: str) -> dict[str, str]:
    """Attributes of a tool call that gave this."""
    return {**TOOL, "gen_ai.tool.call.result": text}


Show = Callable[..., tuple[Htir, str, str]]


@pytest.fixture
def show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Show:
    """Import a document, compile it, show its run and one step: the run, and both as they are printed."""

    def go(*spans: dict[str, Any], step: str = "s1") -> tuple[Htir, str, str]:
        monkeypatch.chdir(tmp_path)
        scope = {"scope": {"name": "test"}, "spans": spans}
        Path("trace.json").write_text(json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [scope]}]}))
        printed = []
        for arguments in (
            ["import", "trace.json"],
            ["show", "latest", "--format", "json"],
            ["show"],
            ["show", "latest", step],
        ):
            done = CliRunner().invoke(main, arguments)
            assert done.exit_code == 0, done.output
            printed.append(done)
        assert not OBEYED.search(printed[2].output + printed[3].output)
        return load_htir(printed[1].stdout), printed[2].output, printed[3].output

    return go


def missing(run: Htir) -> str:
    """All that the document says is wrong with it."""
    return "\n".join([*run.incomplete, *(note for step in run.steps for note in step.missing)])


def test_parents_in_a_circle(show: Show) -> None:
    run, story, one = show(span(1, 3), span(2, 1, attributes=TOOL), span(3, 2))
    assert [step.parent for step in run.steps] == [None, "s1", "s2"]
    assert "1 circle of parents was cut (first: s1)" in story
    assert "its parent s3 lies inside it" in one


def test_parents_that_are_not_there(show: Show) -> None:
    run, story, _ = show(span(1, 99, attributes=TOOL), span(2, 1))
    assert [step.parent for step in run.steps] == [None, "s1"]
    assert "its parent span 0000000000000063 is not in the trace" in story


def test_two_spans_of_one_id(show: Show) -> None:
    run, story, _ = show(span(1), span(2, 1, attributes=TOOL), span(2, 1, name="another", attributes=result("found")))
    assert len(run.steps) == 2
    assert "two records of this span differ" in story
    assert run.output_text(run.steps[1]) == "found"  # what only the second told


def test_clocks_that_go_backwards(show: Show) -> None:
    run, story, one = show(span(1, start=2 * BEGAN, end=BEGAN), span(2, 1, start=5, end=9), step="s2")
    assert "it ends before it begins" in story
    assert "it begins before" in story
    assert "ends before it begins" in one
    assert {link.kind.value for link in run.links} <= {"follows"}


def test_spans_that_never_end(show: Show) -> None:
    run, story, one = show(span(1, end=0), span(2, 1, end=0, attributes=TOOL))
    assert {step.status.value for step in run.steps} == {"unfinished"}
    assert "unfinished" in one
    assert "…" in story


def test_attributes_of_ten_megabytes(show: Show) -> None:
    text = " ".join(f"line {n}" for n in range(900_000))
    run, story, one = show(span(1, attributes=result(text)), span(2, attributes={"big": "q" * 10_000_000}))
    assert run.output_text(run.steps[0]) == text
    assert len(run.steps[1].attributes["big"]) == 10_000_000  # type: ignore[arg-type]
    assert max(len(story), len(one)) < 5_000


def test_halves_of_characters(show: Show) -> None:
    run, story, one = show(span(1, name="a\ud800b", attributes=result("bad \udc00 end")))
    assert run.output_text(run.steps[0]) == "bad \udc00 end"
    assert "\\xdc00" in story + one


def test_spans_deeper_than_python_calls(show: Show) -> None:
    spans = [span(n, n - 1 if n > 1 else None, attributes=TOOL if n == DEEP else {}) for n in range(1, DEEP + 1)]
    run, story, one = show(*spans, step=f"s{DEEP}")
    assert len(run.steps) == DEEP
    assert max(map(len, story.splitlines())) < 200  # a step is indented no further than the page is wide
    assert f"inside s{DEEP - 1}" in one


def test_what_a_terminal_would_obey(show: Show) -> None:
    name = "\x1b[2J\x1b]0;owned\x07evil [bold red]markup[/]"
    run, story, one = show(
        span(1, name=name, attributes={"k\x1b[2J": "v\u202e"}),
        span(2, 1, attributes={**result("\x1b[2Jgone\r\nover\x08\x08"), "gen_ai.tool.name": "l\x1b[31mook\u202e"}),
        step="s2",
    )
    assert run.steps[0].name == name
    assert "[bold red]markup[/]" in story  # written out, not obeyed
    assert "\\x1b[2Jgone" in one


def test_what_is_wrong_is_said_once_each(show: Show) -> None:
    run, story, _ = show(span(1), *(span(n, 77) for n in range(2, 40)))
    assert missing(run).count("is not in the trace") == 38
    assert len(story.splitlines()) < 2 * 39 + 6

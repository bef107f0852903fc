"""Spans of the program's own OpenTelemetry instrumentation, in one trace with the probe's steps."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from harnessfix_collectors.readers import read_bytes

Play = Callable[..., Any]

pytest.importorskip("opentelemetry.sdk.trace")

SHOWING = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

class Showing(SpanExporter):
    def export(self, spans):
        for span in spans:
            kept = sorted(span.attributes)[:3]
            print(span.name, len(span.attributes), kept, span.dropped_attributes, len(span.events))
        return SpanExportResult.SUCCESS

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(Showing()))
trace.set_tracer_provider(provider)
"""

CLIENT = """
tracer = trace.get_tracer("some.instrumentation")

def tool(city):
    with tracer.start_as_current_span("execute_tool weather") as span:
        span.set_attribute("gen_ai.operation.name", "execute_tool")
        span.set_attribute("gen_ai.tool.name", "weather")
        span.set_attribute("gen_ai.tool.call.id", "call_7")
        return inner(city)

def inner(city):
    raise ValueError("station offline")

class Client:
    def create(self, model, messages):
        with tracer.start_as_current_span("chat m", attributes={"gen_ai.operation.name": "chat"}) as span:
            span.set_attributes({f"extra.{n:03}": n for n in range(200)})
            span.set_attribute("gen_ai.usage.input_tokens", 11)
            span.set_attribute("gen_ai.usage.output_tokens", 3)
            span.set_attribute("gen_ai.response.finish_reasons", ["length"])
            span.add_event("retried", {"attempt": 1})
            return {"role": "assistant", "content": "sunny"}

client = Client()

def run(task):
    history = [{"role": "user", "content": task}]
    for turn in range(2):
        reply = client.create(model="m", messages=history)
        try:
            tool("Rome")
        except ValueError:
            pass
        if reply["content"]:
            break
    return reply

print(run("weather?"))
"""


def test_spans_are_steps_of_the_same_trace_and_exporters_see_what_they_would(play: Play) -> None:
    played = play(sys.executable, SHOWING + CLIENT)
    played.assert_same()
    assert "chat m 128 ['extra.075', 'extra.076', 'extra.077'] 76 1" in played.out
    chat = played.step("Client.create")
    assert chat.kind.value == "model_call"
    assert (chat.finish_reason, chat.usage.input_tokens, chat.usage.output_tokens) == ("length", 11, 3)
    assert len(chat.source.span_ids) == 2
    told = next(each["attributes"] for each in chat.attributes["merged"] if each.get("scope") == "some.instrumentation")
    assert {f"extra.{n:03}" for n in range(200)} <= set(told)
    assert [event.name for event in chat.events] == ["retried"]
    tool = played.step("weather")
    assert (tool.kind.value, played.above(tool)) == ("tool_call", ["tool", "run"])
    assert tool.attributes["gen_ai.tool.call.id"] == "call_7"
    assert tool.error.type == "ValueError"
    assert played.above(played.step("inner")) == ["weather", "tool", "run"]


def test_without_the_probe_spans_are_kept_with_the_line_that_led_to_them(play: Play, tmp_path: Path) -> None:
    from harnessfix_collectors.record import record
    from harnessfix_ir.source import read_harness

    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "agent.py").write_text(SHOWING + CLIENT)
    result = record(
        [sys.executable, "agent.py"],
        model=read_harness([folder]),
        spool_root=tmp_path,
        probe=False,
        cwd=folder,
        quiet=True,
    )
    (run,) = read_bytes(result.data, "recording", "harnessfix-probe")
    chat, tool = run.steps
    assert (chat.name, chat.kind.value, tool.name, tool.kind.value) == ("chat m", "model_call", "weather", "tool_call")
    assert [(anchor.path, anchor.qualname) for anchor in chat.anchors] == [("agent.py", "Client.create")]
    assert tool.error is not None
    assert (tool.error.type, tool.status.value) == ("ValueError", "error")
    assert "station offline" in tool.error.traceback
    assert result.missing == ()


def test_lines_are_told_without_the_probe_where_the_harness_is_reached_through_a_link(tmp_path: Path) -> None:
    from harnessfix_collectors.record import record
    from harnessfix_ir.source import read_harness

    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    (real / "client.py").write_text("from opentelemetry import trace\n" + CLIENT)
    env = {**os.environ, "PYTHONPATH": str(link)}
    result = record(
        [sys.executable, "-c", "import client"],
        model=read_harness([real]),
        spool_root=tmp_path,
        probe=False,
        cwd=tmp_path,
        env=env,
        quiet=True,
    )
    (run,) = read_bytes(result.data, "recording", "harnessfix-probe")
    assert [(anchor.path, anchor.qualname) for anchor in run.steps[0].anchors] == [("client.py", "Client.create")]


NOBODY = """
from opentelemetry import trace

tracer = trace.get_tracer("some.package")

def work():
    with tracer.start_as_current_span("outer", attributes={"a": 1}) as span:
        span.set_attribute("b", "x")
        with tracer.start_as_current_span("inner"):
            raise KeyError("lost")

try:
    work()
except KeyError:
    pass
print(type(trace.get_tracer_provider()).__name__)

from opentelemetry.sdk.trace import TracerProvider
provider = TracerProvider()
trace.set_tracer_provider(provider)
print(trace.get_tracer_provider() is provider)
with tracer.start_as_current_span("later") as span:
    print(type(span).__module__)
"""


def test_a_program_without_a_provider_is_lent_a_tracer_and_may_set_its_own(play: Play) -> None:
    played = play(sys.executable, NOBODY, include=("*:work",))
    played.assert_same()
    assert played.out.split() == ["ProxyTracerProvider", "True", "opentelemetry.sdk.trace"]
    outer, inner, later = (played.step(name) for name in ("outer", "inner", "later"))
    assert played.above(inner) == ["outer", "work"]
    assert (outer.attributes["a"], outer.attributes["b"]) == (1, "x")
    assert (inner.error.type, inner.status.value) == ("KeyError", "error")
    assert later.status.value == "ok"


INTERLEAVED = """
import asyncio, threading
from opentelemetry import trace

tracer = trace.get_tracer("some.package")

def leaf(name):
    return name

async def agent(name):
    with tracer.start_as_current_span(f"span {name}"):
        for turn in range(3):
            await asyncio.sleep(0)
            leaf(f"{name}{turn}")
            with tracer.start_as_current_span(f"turn {name}"):
                await asyncio.sleep(0)
                await asyncio.to_thread(leaf, f"{name} thread")

async def main():
    await asyncio.gather(*(agent(name) for name in "abc"))

asyncio.run(main())
"""


POSITIONAL = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".sdk")[1] and name.startswith("opentelemetry"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Hidden())
from opentelemetry import trace

tracer = trace.get_tracer("some.instrumentation")

def run(task):
    with tracer.start_as_current_span(
        "send", None, trace.SpanKind.PRODUCER, {"to": "b"}, None, None, False, False, False
    ) as span:
        print(type(span).__module__, span.is_recording())
    print(span.is_recording())
    span.end()
    return span.is_recording()

print(run("weather?"))
"""


def test_a_lent_tracer_takes_by_position_what_the_api_takes(play: Play) -> None:
    played = play(sys.executable, POSITIONAL)
    assert played.code == 0, played.err
    assert played.out.split() == ["_harnessfix_probe.fallback", "True", "True", "False"]


def test_interleaved_spans_and_steps_keep_their_own_parents(play: Play) -> None:
    played = play(sys.executable, INTERLEAVED)
    played.assert_same()
    (run,) = played.runs
    for step in played.steps:
        if step.name == "leaf":
            text = run.texts[step.input[0].text]
            above = [f"turn {text[0]}"] if text.endswith("thread") else []
            assert played.above(step) == [*above, f"span {text[0]}", "agent", "main"]
    assert sum(step.name == "leaf" for step in played.steps) == 18


@pytest.mark.parametrize("provider", [True, False])
def test_a_killed_program_leaves_its_open_spans_and_what_they_were_told(play: Play, provider: bool) -> None:
    program = """
        import json, os, signal, subprocess
        from opentelemetry import trace
        tracer = trace.get_tracer("some.package")
        if PROVIDER:
            from opentelemetry.sdk.trace import TracerProvider
            trace.set_tracer_provider(TracerProvider())
        with tracer.start_as_current_span("execute_tool look") as span:
            span.set_attribute("gen_ai.operation.name", "execute_tool")
            span.set_attribute("gen_ai.tool.call.result", "seven")
        with tracer.start_as_current_span("chat m", attributes={"gen_ai.operation.name": "chat"}) as span:
            messages = [{"role": "user", "parts": [{"type": "text", "content": "weather? " * 30}]}]
            span.set_attribute("gen_ai.input.messages", json.dumps(messages))
            span.set_attributes({"gen_ai.request.model": "m", "tries": 1})
            span.set_attribute("tries", 2)
            span.add_event("retried", {"attempt": 2})
            for n in range(45):
                span.set_attribute(f"extra.{n}", n)
            subprocess.run(["true"])
            os.kill(os.getpid(), signal.SIGKILL)
        """
    played = play(sys.executable, dedent(program).replace("PROVIDER", str(provider)))
    (run,) = played.runs
    done, step = played.steps
    assert (done.status.value, played.out_text(done)) == ("ok", "seven")
    assert (step.name, step.kind.value, step.status.value) == ("chat m", "model_call", "unfinished")
    assert [(part.role, run.texts[part.text]) for part in step.input] == [("user", "weather? " * 30)]
    assert (step.attributes["gen_ai.request.model"], step.attributes["tries"]) == ("m", 2)
    assert {f"extra.{n}" for n in range(45)} <= set(step.attributes)
    assert [(event.name, event.attributes) for event in step.events] == [("retried", {"attempt": 2})]


def test_what_waits_in_the_parent_is_not_written_by_a_forked_child(play: Play) -> None:
    program = """
        import os
        from opentelemetry import trace
        with trace.get_tracer("some.package").start_as_current_span("chat m") as span:
            span.add_event("once")
            if (child := os.fork()) == 0:
                span.set_attribute("of", "child")
                span.end()
                os._exit(0)
            os.waitpid(child, 0)
            span.set_attribute("of", "parent")
        """
    played = play(sys.executable, program)
    assert [event.name for event in played.step("chat m").events] == ["once"]


CONTENT = """
from opentelemetry.util.genai.completion_hook import load_completion_hook
from opentelemetry.util.genai.types import InputMessage, OutputMessage, Text

hook = load_completion_hook()
with trace.get_tracer("some.genai").start_as_current_span("chat m") as span:
    span.set_attribute("gen_ai.operation.name", "chat")
    hook.on_completion(
        inputs=[InputMessage(role="user", parts=[Text(content="weather?")])],
        outputs=[OutputMessage(role="assistant", parts=[Text(content="sunny")], finish_reason="stop")],
        system_instruction=[Text(content="be brief")],
        span=span,
    )
"""


def test_content_is_captured_here_while_the_programs_spans_stay_free_of_it(play: Play) -> None:
    pytest.importorskip("opentelemetry.util.genai")
    played = play(sys.executable, SHOWING + CONTENT, include=())
    played.assert_same()
    assert played.out == "chat m 1 ['gen_ai.operation.name'] 0 0\n"
    (step,) = played.steps
    (run,) = played.runs
    assert [(part.role, run.texts[part.text]) for part in (*step.input, *step.output)] == [
        ("system", "be brief"),
        ("user", "weather?"),
        ("assistant", "sunny"),
    ]


def _instrumented(folder: Path, program: str, **variables: str) -> str:
    (folder / "agent.py").write_text(program)
    base = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    environment = {**base, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", **variables}
    command = [str(Path(sys.executable).with_name("opentelemetry-instrument")), sys.executable, "agent.py"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_entry_points_compose_with_a_distro(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.instrumentation.auto_instrumentation")
    pytest.importorskip("opentelemetry.util.genai")
    out = _instrumented(
        tmp_path,
        f"from opentelemetry import trace\n{CONTENT}",
        OTEL_TRACES_EXPORTER="console,harnessfix",
        OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK="harnessfix",
        HARNESSFIX_TRACE_FILE=str(tmp_path / "trace.jsonl"),
    )
    shown = json.loads(out)["attributes"]
    assert shown["gen_ai.operation.name"] == "chat"
    assert "sunny" not in out
    (run,) = read_bytes((tmp_path / "trace.jsonl").read_bytes(), "trace.jsonl", None)
    (step,) = run.steps
    assert [run.texts[part.text] for part in (*step.input, *step.output)] == ["be brief", "weather?", "sunny"]
    (anchor,) = step.anchors
    assert (Path(anchor.path).name, anchor.start_line) == ("agent.py", 7)


def test_nothing_is_added_unless_it_is_asked_for(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.instrumentation.auto_instrumentation")
    program = "from opentelemetry import trace\nwith trace.get_tracer('x').start_as_current_span('s'): pass\n"
    assert json.loads(_instrumented(tmp_path, program, OTEL_TRACES_EXPORTER="console"))["attributes"] == {}
    asked = {"OTEL_TRACES_EXPORTER": "console", "HARNESSFIX_CODE_ATTRIBUTES": "true"}
    attributes = json.loads(_instrumented(tmp_path, program, **asked))["attributes"]
    assert (attributes["code.function.name"], attributes["code.line.number"]) == ("<module>", 2)


HELPED = (
    SHOWING
    + """
from contextlib import contextmanager
tracer = trace.get_tracer("some.instrumentation")

@contextmanager
def tool_span(name):
    with tracer.start_as_current_span(name) as span:
        yield span

@contextmanager
def timed(name):
    with tool_span(name) as span:
        yield span

def dispatch(city):
    with timed("execute_tool weather"):
        return city

def run(task):
    return dispatch(task)

run("Rome")
"""
)


def test_a_span_that_a_context_manager_opens_was_led_to_by_who_entered_that(play: Play) -> None:
    played = play(sys.executable, HELPED)
    (span,) = [step for step in played.steps if "weather" in step.name]
    assert span.anchors[0].qualname == "dispatch"

"""Events of instrumentations that are log records, and spans that the program's own sampler leaves out."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

Play = Callable[..., Any]

pytest.importorskip("opentelemetry.sdk.trace")

LOGS = """
from opentelemetry import _logs, trace
from opentelemetry.sdk.trace import TracerProvider

traces = TracerProvider()
trace.set_tracer_provider(traces)
if PROVIDER:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor, ConsoleLogRecordExporter

    logs = LoggerProvider()
    out = ConsoleLogRecordExporter(formatter=lambda record: f"{record.log_record.event_name}\\n")
    logs.add_log_record_processor(SimpleLogRecordProcessor(out))
    _logs.set_logger_provider(logs)
logger = _logs.get_logger("some.instrumentation")

def emit(name, body, **more):
    logger.emit(_logs.LogRecord(event_name=name, body=body, attributes={"gen_ai.system": "x"}, **more))

tracer = trace.get_tracer("some.instrumentation")
with tracer.start_as_current_span("chat m", attributes={"gen_ai.operation.name": "chat"}) as span:
    emit("gen_ai.user.message", {"content": "weather in sk-abcdefghijklmnopqrstuvwxyz012345?"})
    call = {"id": "c1", "type": "function", "function": {"name": "w", "arguments": "{}"}}
    emit("gen_ai.assistant.message", {"tool_calls": [call]})
    emit("gen_ai.tool.message", {"id": "c1", "content": "sunny"})
    logger.emit(_logs.LogRecord(body="a plain line"))
    KILL
emit("gen_ai.choice", {"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": "sun"}},
     context=trace.set_span_in_context(span))
"""


def said(played: Any, parts: Any) -> list[tuple[str, str, str | None]]:
    (run,) = played.runs
    return [(part.role, run.texts[part.text], part.call_id) for part in parts]


@pytest.mark.parametrize("provider", [True, False])
def test_messages_in_log_events_are_those_of_their_step(play: Play, provider: bool) -> None:
    played = play(sys.executable, LOGS.replace("PROVIDER", str(provider)).replace("KILL", ""), include=())
    played.assert_same()
    assert ("gen_ai.choice" in played.out) is provider
    (step,) = played.steps
    first, call, result = said(played, step.input)
    assert first[0] == "user"
    assert "sk-abc" not in first[1]
    assert (call, result) == (("assistant", "{}", "c1"), ("tool", "sunny", "c1"))
    assert said(played, step.output) == [("assistant", "sun", None)]
    assert step.finish_reason == "length"
    assert len(step.events) == 4


def test_those_of_a_killed_program_are_kept(play: Play) -> None:
    killed = LOGS.replace("PROVIDER", "False").replace("KILL", "import os; os.kill(os.getpid(), 9)")
    (step,) = play(sys.executable, killed, include=(), both=False).steps
    assert step.status.value == "unfinished"
    assert len(step.input) == 3


SAMPLED = """
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

class Showing(SpanExporter):
    def export(self, spans):
        print("exported", [span.name for span in spans])

class Seen:
    def on_start(self, span, parent_context=None): print("started", span.name)
    def _on_ending(self, span): pass
    def on_end(self, span): print("ended", span.name)
    def shutdown(self): pass
    def force_flush(self, timeout_millis=0): return True

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(Showing()))
provider.add_span_processor(Seen())
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("some.package")

def tool():
    return "sunny"

with tracer.start_as_current_span("outer"):
    with tracer.start_as_current_span("chat m", attributes={"gen_ai.operation.name": "chat"}) as span:
        span.set_attribute("gen_ai.usage.input_tokens", 5)
        carrier = {}
        propagate.inject(carrier)
        print(carrier["traceparent"].split("-")[3], span.get_span_context().trace_flags)
        tool()
        try:
            with tracer.start_as_current_span("inner"):
                raise KeyError("lost")
        except KeyError:
            pass
"""


def test_spans_that_are_not_sampled_are_recorded_and_said_and_the_program_exports_no_more(play: Play) -> None:
    env = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
    played = play(sys.executable, SAMPLED, env=env)
    played.assert_same()
    assert played.out.split()[0] in ("00", "02")  # 02: its id is random; 01 would be sampled
    chat = played.step("chat m")
    assert (chat.kind.value, played.above(chat), played.above(played.step("tool"))) == (
        "model_call",
        ["outer"],
        ["chat m", "outer"],
    )
    assert chat.attributes["gen_ai.usage.input_tokens"] == 5
    assert chat.attributes["otel.unsampled"] is True
    assert played.step("inner").error.type == "KeyError"
    (note,) = played.result.missing
    assert "left 3 OpenTelemetry spans out" in note


def test_sampled_ones_are_exported_and_not_spoken_of(play: Play) -> None:
    played = play(sys.executable, SAMPLED)
    played.assert_same()
    assert "exported ['chat m']" in played.out
    assert not any("sampler" in note for note in played.result.missing)
    assert "otel.unsampled" not in played.step("chat m").attributes

"""Every dialect over spans that its instrumentation wrote."""

from pathlib import Path
from typing import Any

import pytest

from harnessfix_collectors.dialects import all_dialects, normalise
from harnessfix_collectors.files import TraceFile
from harnessfix_collectors.histories import MessagePool
from harnessfix_collectors.otlp import OtlpSpan, SpanEvent
from harnessfix_collectors.readers import reader_of
from harnessfix_ir.recording import Recording
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Status, StepKind

SAMPLES = Path(__file__).parent / "samples"
ASKED = [("system", "Answer with the tool."), ("user", "What is the value of a?")]
AGENTS = (
    "langfuse",
    "langsmith",
    "mlflow",
    "openllmetry",
    "pydantic-ai",
    "pydantic-ai-2",
    "vercel-ai",
    "logfire",
    "genai",
)
WITH_TOOL = ("langfuse", "langsmith", "mlflow", "openllmetry", "pydantic-ai", "pydantic-ai-2", "vercel-ai")


def read(name: str) -> list[Recording]:
    file = TraceFile.at(SAMPLES / f"{name}.jsonl")
    return list(reader_of(file).read(file))


def of_kind(recordings: list[Recording], kind: StepKind) -> list[tuple[Recording, TraceStep]]:
    return [(each, step) for each in recordings for step in each.steps if step.kind is kind]


def said(recording: Recording, parts: Any) -> list[tuple[str, str]]:
    return [(part.role, recording.texts[part.text]) for part in parts]


@pytest.mark.parametrize("name", [*AGENTS, "openinference"])
def test_model_calls(name: str) -> None:
    (one, first), (other, second) = of_kind(read(name), StepKind.MODEL_CALL)
    system = "Answer." if name.startswith("pydantic") else "Answer with the tool."
    assert said(one, first.input) == [("system", system), ASKED[1]]
    (call,) = first.output
    assert (call.kind, call.name, one.texts[call.text].replace(" ", "")) == ("tool_call", "lookup", '{"key":"a"}')
    assert said(other, second.output) == [("assistant", "The value of a is value-of-a.")]
    (result,) = [part for part in second.input if part.kind == "tool_result"]
    assert (result.role, other.texts[result.text], result.call_id) == ("tool", "value-of-a", call.call_id)
    if not name.startswith(("pydantic", "langfuse")):
        assert (first.finish_reason, second.finish_reason) == ("tool_call", "stop")
    assert first.usage is not None
    assert (first.usage.input_tokens, first.usage.output_tokens) == ((56 if system == "Answer." else 20), 5)
    assert not first.missing


@pytest.mark.parametrize("name", AGENTS)
def test_the_episode_is_around_its_calls(name: str) -> None:
    (recording,) = read(name)
    task, *others = recording.steps
    assert task.kind is StepKind.TASK
    assert all(step.parent == task.id for step in others)


@pytest.mark.parametrize("name", WITH_TOOL)
def test_tools(name: str) -> None:
    ((recording, tool),) = of_kind(read(name), StepKind.TOOL_CALL)
    assert tool.name == "lookup"
    assert [(part.role, "a" in recording.texts[part.text]) for part in tool.input] == [("arguments", True)]
    assert "value-of-a" in recording.texts[tool.output[0].text]
    if name not in ("langfuse", "openllmetry"):  # their arguments are those of the Python function
        assert tool.input[0].call_id is not None


def test_mcp_servers_say_which_tool_failed_and_not_why() -> None:
    (_, fine), (_, broken) = of_kind(read("mcp"), StepKind.TOOL_CALL)
    assert (fine.name, fine.status, fine.missing) == ("lookup", Status.OK, ("arguments and result were not recorded",))
    assert (broken.status, broken.error and broken.error.type) == (Status.ERROR, "tool_error")


def test_mcp_clients_of_openllmetry() -> None:
    (recording, fine), (_, broken) = of_kind(read("openllmetry-mcp"), StepKind.TOOL_CALL)
    assert "value-of-a" in recording.texts[fine.output[0].text]
    assert broken.error is not None
    assert "backend exploded" in broken.error.message


# Claude Code's traces cannot be recorded without its service: these spans are written after its documentation.
def test_claude_code() -> None:
    pool = MessagePool()
    request = {"span.type": "llm_request", "model": "claude-sample", "input_tokens": 7, "output_tokens": 2}
    request |= {"cache_read_tokens": 5, "stop_reason": "end_turn", "response.model_output": "Done."}
    normal = normalise(span("claude_code.llm_request", **request), pool)
    assert (normal.kind, normal.name, normal.finish_reason) == (StepKind.MODEL_CALL, "claude-sample", "stop")
    assert normal.usage is not None
    assert (normal.usage.input_tokens, normal.usage.cached_tokens) == (7, 5)
    assert pool.texts[normal.output[0].text] == "Done."
    tool = {"span.type": "claude_code.tool", "tool_name": "Bash", "full_command": "ls", "success": "false"}
    output = SpanEvent("tool.output", 1, {"output": "a.txt"})
    normal = normalise(span("claude_code.tool", output, **tool), pool)
    assert (normal.kind, normal.name, normal.error) == (StepKind.TOOL_CALL, "Bash", "not successful")
    assert [pool.texts[part.text] for part in (*normal.input, *normal.output)] == ["ls", "a.txt"]
    assert normalise(span("claude_code.interaction", **{"span.type": "interaction"}), pool).kind is StepKind.TASK


# Logfire before its GenAI attributes, and pydantic-ai's first format: no release that writes them is installed here.
def test_older_formats() -> None:
    pool = MessagePool()
    old = {
        "logfire.msg_template": "Chat Completion with {request_data[model]!r}",
        "request_data": '{"model": "m", "messages": [{"role": "user", "content": "hi"}]}',
        "response_data": '{"message": {"role": "assistant", "content": "ho"}, "usage": {"prompt_tokens": 3}}',
    }
    normal = normalise(span("Chat Completion", **old), pool)
    assert (normal.kind, normal.name) == (StepKind.MODEL_CALL, "m")
    assert [pool.texts[part.text] for part in (*normal.input, *normal.output)] == ["hi", "ho"]
    assert normal.usage is not None
    events = (
        '[{"event.name": "gen_ai.user.message", "role": "user", "content": "hi"},'
        ' {"event.name": "gen_ai.choice", "index": 0, "message": {"role": "assistant", "content": "ho"}}]'
    )
    first = {"gen_ai.operation.name": "chat", "events": events, "model_request_parameters": "{}"}
    normal = normalise(span("chat m", **first), pool)
    assert [pool.texts[part.text] for part in normal.input] == ["hi"]
    assert [pool.texts[part.text] for part in normal.output] == ["ho"]


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"gen_ai.operation.name": "text_completion", "gen_ai.prompt.0.content": "hi"}, StepKind.MODEL_CALL),
        ({"gen_ai.operation.name": "search_memory"}, StepKind.MEMORY),
        ({"llm.request.type": "chat", "gen_ai.completion.0.content": "ho"}, StepKind.MODEL_CALL),
        ({"traceloop.span.kind": "workflow"}, StepKind.TASK),
        ({"mcp.method.name": "resources/read"}, StepKind.RETRIEVAL),
        ({"openinference.span.kind": "GUARDRAIL"}, StepKind.GUARD),
        ({"ai.operationId": "ai.embed.doEmbed"}, StepKind.RETRIEVAL),
        ({"mlflow.spanType": '"PARSER"'}, StepKind.PARSE),
        ({"langfuse.observation.type": "span", "openinference.span.kind": "TOOL"}, StepKind.TOOL_CALL),
        ({"something": "else"}, StepKind.LIFECYCLE),
    ],
)
def test_kinds(attributes: dict[str, Any], kind: StepKind) -> None:
    assert normalise(span("x", **attributes), MessagePool()).kind is kind


def test_messages_in_log_events_and_in_events_of_the_span() -> None:
    pool = MessagePool()
    legacy = (
        SpanEvent("gen_ai.user.message", 1, {"content": "hi"}),
        SpanEvent("gen_ai.choice", 2, {"message": '{"role": "assistant", "content": "ho"}', "finish_reason": "stop"}),
    )
    normal = normalise(span("chat m", *legacy, **{"gen_ai.operation.name": "chat"}), pool)
    assert [pool.texts[part.text] for part in (*normal.input, *normal.output)] == ["hi", "ho"]
    details = {"gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]}
    event = SpanEvent("gen_ai.client.inference.operation.details", 1, details)  # type: ignore[arg-type]
    normal = normalise(span("chat m", event, **{"gen_ai.operation.name": "chat"}), pool)
    assert [pool.texts[part.text] for part in normal.input] == ["hi"]
    # Written as attributes, as one event and as one per message, they are there once.
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.output.messages": '[{"role": "assistant", "content": "ho"}]'}
    normal = normalise(span("chat m", *legacy, event, **attributes), pool)
    assert [pool.texts[part.text] for part in (*normal.input, *normal.output)] == ["hi", "ho"]
    assert normal.finish_reason == "stop"


def test_no_dialect_stumbles_over_values_of_any_type() -> None:
    keys = {
        key
        for file in SAMPLES.glob("*.jsonl")
        for each in read(file.stem)
        for step in each.steps
        for key in step.attributes
    }
    keys |= {"ai.operationId", "mcp.method.name", "span.type", "request_data", "events", "langsmith.span.kind"}
    for value in (None, True, 3, 1.5, "", "{", "[1]", '{"a": [null]}', [], ["x", None], {"a": {"b": [1]}}):
        attributes = dict.fromkeys(keys, value)
        for dialect in all_dialects():
            told = span("x", **attributes)
            if dialect.recognises(told):
                dialect.normalise(told, MessagePool())


def span(name: str, *events: SpanEvent, **attributes: Any) -> OtlpSpan:
    return OtlpSpan("f" * 32, "e" * 16, "", name, 1, 2, attributes, events)

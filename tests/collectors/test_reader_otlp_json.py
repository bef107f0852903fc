"""OTLP/JSON lines: what is read, what is said of what cannot be read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harnessfix_collectors.readers import read_bytes, reader_for
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording
from harnessfix_ir.vocabulary import Outcome, Route, Status, StepKind

TRACE = "0af7651916cd43dd8448eb211c80319c"


def attribute(key: str, value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"key": key, "value": {"boolValue": value}}
    if isinstance(value, int):
        return {"key": key, "value": {"intValue": str(value)}}
    if isinstance(value, list):
        return {"key": key, "value": {"arrayValue": {"values": [{"stringValue": item} for item in value]}}}
    return {"key": key, "value": {"stringValue": value}}


def span(number: int, parent: int | None = None, name: str = "step", **fields: Any) -> dict[str, Any]:
    attributes = fields.pop("attributes", {})
    return {
        "traceId": TRACE,
        "spanId": f"{number:016x}",
        "parentSpanId": "" if parent is None else f"{parent:016x}",
        "name": name,
        "startTimeUnixNano": str(1_000_000_000 + number),
        "endTimeUnixNano": str(2_000_000_000 + number),
        "attributes": [attribute(key, value) for key, value in attributes.items()],
        **fields,
    }


def line(*spans: dict[str, Any]) -> bytes:
    document = {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {"name": "test"}, "spans": list(spans)}]}]}
    return json.dumps(document).encode() + b"\n"


def one(data: bytes) -> Recording:
    (recording,) = read_bytes(data, "runs.jsonl")
    return recording


def texts(recording: Recording, step: int, side: str) -> list[tuple[str, str]]:
    parts = recording.steps[step].input if side == "in" else recording.steps[step].output
    return [(part.role, recording.texts[part.text]) for part in parts]


def test_genai_attributes_become_messages_and_results() -> None:
    chat = {
        "gen_ai.operation.name": "chat",
        "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "be brief"}]),
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": "weather?"}]}]),
        "gen_ai.output.messages": json.dumps(
            [
                {
                    "role": "assistant",
                    "parts": [{"type": "tool_call", "id": "c1", "name": "sky", "arguments": {"at": "x"}}],
                }
            ]
        ),
        "gen_ai.response.finish_reasons": ["tool_calls"],
        "gen_ai.usage.input_tokens": 12,
    }
    tool = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "sky",
        "gen_ai.tool.call.id": "c1",
        "gen_ai.tool.call.arguments": '{"at": "x"}',
        "gen_ai.tool.call.result": "grey",
    }
    recording = one(
        line(
            span(
                1, name="invoke_agent a", attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a"}
            ),
            span(2, 1, "chat m", attributes=chat),
            span(3, 1, "execute_tool sky", attributes=tool),
        )
    )
    task, call, result = recording.steps
    assert [step.kind for step in recording.steps] == [StepKind.TASK, StepKind.MODEL_CALL, StepKind.TOOL_CALL]
    assert (task.agent, call.parent, result.parent) == ("a", "s1", "s1")
    assert texts(recording, 1, "in") == [("system", "be brief"), ("user", "weather?")]
    assert texts(recording, 1, "out") == [("assistant", '{"at": "x"}')]
    assert call.output[0].kind == "tool_call"
    assert call.output[0].call_id == "c1"
    assert call.finish_reason == "tool_call"
    assert call.usage is not None
    assert call.usage.input_tokens == 12
    assert texts(recording, 2, "out") == [("result", "grey")]
    assert result.name == "sky"


def test_openinference_wins_over_genai_arguments_that_hold_the_schema() -> None:
    attributes = {
        "openinference.span.kind": "TOOL",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.call.arguments": '{"properties": {}}',
        "tool.name": "lookup",
        "input.value": '{"key": "a"}',
        "output.value": "value-of-a",
    }
    recording = one(line(span(1, attributes=attributes)))
    assert texts(recording, 0, "in") == [("arguments", '{"key": "a"}')]
    assert recording.steps[0].name == "lookup"
    assert "gen_ai.tool.call.arguments" in recording.steps[0].attributes, "what is not mapped is kept"


def test_openinference_messages_are_unflattened_in_order() -> None:
    attributes: dict[str, Any] = {"openinference.span.kind": "LLM", "llm.finish_reason": "length"}
    for number in range(12):
        attributes[f"llm.input_messages.{number}.message.role"] = "user"
        attributes[f"llm.input_messages.{number}.message.content"] = f"message {number}"
    prefix = "llm.output_messages.0.message"
    attributes[f"{prefix}.role"] = "assistant"
    attributes[f"{prefix}.tool_calls.0.tool_call.function.name"] = "lookup"
    attributes[f"{prefix}.tool_calls.0.tool_call.function.arguments"] = '{"key": "a"}'
    attributes[f"{prefix}.tool_calls.0.tool_call.id"] = "c7"
    recording = one(line(span(1, attributes=attributes)))
    assert [text for _, text in texts(recording, 0, "in")] == [f"message {number}" for number in range(12)]
    (call,) = recording.steps[0].output
    assert (call.kind, call.name, call.call_id) == ("tool_call", "lookup", "c7")
    assert recording.steps[0].finish_reason == "length"


def test_errors_anchors_and_lost_evidence_are_kept() -> None:
    event = {
        "name": "exception",
        "timeUnixNano": "1500000000",
        "attributes": [attribute("exception.type", "ValueError"), attribute("exception.message", "station offline")],
    }
    attributes = {"code.function.name": "app.tools.sky", "code.file.path": "app/tools.py", "code.line.number": 12}
    recording = one(line(span(1, events=[event], status={"code": 2}, attributes=attributes, droppedAttributesCount=3)))
    (step,) = recording.steps
    assert step.status is Status.ERROR
    assert step.error is not None
    assert (step.error.type, step.error.message) == ("ValueError", "station offline")
    assert (step.anchors[0].place, step.anchors[0].route) == ("app/tools.py:12", Route.CODE_ATTRIBUTE)
    assert step.missing == ("3 attributes dropped by the SDK",)
    assert recording.run.outcome is Outcome.FAILED


def test_a_cut_line_is_named_and_the_rest_is_read() -> None:
    data = line(span(1)) + line(span(2, 1))[:80] + b"\n" + line(span(3, 1))
    recording = one(data)
    assert [step.source.span_ids[0][-1] for step in recording.steps] == ["1", "3"]
    assert "runs.jsonl, line 2: not JSON" in recording.incomplete[0]


def test_a_malformed_span_does_not_take_its_neighbours_along() -> None:
    bad = span(2, 1) | {"spanId": "xyz"}
    recording = one(line(span(1), bad, span(3, 1)))
    assert len(recording.steps) == 2
    assert "spanId is not 16 hex digits" in recording.incomplete[0]


def test_spans_of_one_id_count_once_and_a_lost_parent_is_said() -> None:
    recording = one(line(span(2, 9), span(2, 9)))
    (step,) = recording.steps
    assert step.parent is None
    assert "its parent span 0000000000000009 is not in the trace" in step.missing


@pytest.mark.parametrize("data", [b"", b"hello", b"{}", b'{"resourceSpans": "no"}', b"\xff\xfe\x00"])
def test_what_is_no_trace_gives_one_error(data: bytes) -> None:
    with pytest.raises(BadInputError) as caught:
        list(read_bytes(data, "notes.txt", None if b"resourceSpans" not in data else "otlp-json"))
    assert "notes.txt" in str(caught.value)
    assert caught.value.hint


def test_an_empty_anyvalue_is_none() -> None:
    raw = span(1)
    raw["attributes"] = [{"key": "gen_ai.request.max_tokens", "value": {}}]
    assert one(line(raw)).steps[0].attributes == {"gen_ai.request.max_tokens": None, "otel.scope.name": "test"}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_json_is_read_or_refused(value: Any) -> None:
    data = json.dumps(
        {"resourceSpans": [{"scopeSpans": [{"spans": [value, span(1) | {"attributes": value}]}]}]}
    ).encode()
    (recording,) = read_bytes(data, "x.jsonl", reader_for(data, "x.jsonl").name)
    assert len(recording.steps) in (1, 2)

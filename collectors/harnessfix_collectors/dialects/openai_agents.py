"""Spans of the OpenAI Agents SDK's own tracing, as its `TracingProcessor` exports them.

The reader of such exports puts the SDK's `span_data` into one attribute.

https://openai.github.io/openai-agents-python/tracing/
"""

from harnessfix_collectors.histories import MessagePool
from harnessfix_collectors.messages import message_parts
from harnessfix_collectors.otlp import OtlpSpan
from harnessfix_collectors.values import dig, mapping, name_of, string, whole
from harnessfix_ir.steps import Usage
from harnessfix_ir.vocabulary import StepKind

from .base import Dialect, Normal, finish_reason

SPAN_DATA = "openai_agents.span_data"
KINDS = {
    "agent": StepKind.TASK,
    "task": StepKind.TASK,
    "generation": StepKind.MODEL_CALL,
    "response": StepKind.MODEL_CALL,
    "transcription": StepKind.MODEL_CALL,
    "function": StepKind.TOOL_CALL,
    "handoff": StepKind.HANDOFF,
    "guardrail": StepKind.GUARD,
}


class OpenAiAgents(Dialect):
    """`function` is a tool, `response` and `generation` are model calls."""

    name = "openai-agents"
    priority = 50

    def recognises(self, span: OtlpSpan) -> bool:
        """By the attribute that the reader gives."""
        return SPAN_DATA in span.attributes

    def normalise(self, span: OtlpSpan, pool: MessagePool) -> Normal:
        """Kind by the type in the span data."""
        data = mapping(span.attributes[SPAN_DATA])
        # Newer kinds of spans are custom ones whose data says what they are.
        word = string(dig(data, "data", "sdk_span_type")) or string(data.get("type"))
        kind = KINDS.get(word, StepKind.LIFECYCLE)
        model = name_of(data.get("model")) if kind is StepKind.MODEL_CALL else None
        normal = Normal(kind, model or name_of(dig(data, "data", "name") or data.get("name")) or word or span.name)
        normal.used.add(SPAN_DATA)
        if word == "agent":
            normal.agent = normal.name
        if word == "handoff":
            normal.name = f"{data.get('from_agent')} to {data.get('to_agent')}"
        if kind is StepKind.TOOL_CALL:
            span = _flat(span, data)
            normal.take_value(span, pool, "input", "input", role="arguments")
            normal.take_value(span, pool, "output", "output", role="result")
            normal.used -= {"input", "output"}
        elif kind is StepKind.MODEL_CALL:
            _model_call(data, normal, pool)
        return normal


def _flat(span: OtlpSpan, data: dict[str, object]) -> OtlpSpan:
    attributes = {key: value for key, value in data.items() if value is not None}
    return OtlpSpan(
        span.trace_id,
        span.span_id,
        span.parent_id,
        span.name,
        span.start_ns,
        span.end_ns,
        attributes,  # type: ignore[arg-type]
    )


def _model_call(data: dict[str, object], normal: Normal, pool: MessagePool) -> None:
    reply = mapping(data.get("response"))
    for system in (reply.get("instructions"), data.get("instructions")):
        if isinstance(system, str):
            normal.input.extend(message_parts(system, pool, "system"))
            break
    normal.input.extend(message_parts(data.get("input") or [], pool))
    said = data.get("output") or reply.get("output") or []
    normal.output.extend(message_parts(said, pool, "assistant"))
    normal.response_id = name_of(data.get("response_id")) or name_of(reply.get("id"))
    reason = dig(reply, "incomplete_details", "reason")
    normal.finish_reason = finish_reason(reason)
    counts = mapping(data.get("usage")) or mapping(reply.get("usage"))
    if counts:
        normal.usage = Usage(
            input_tokens=whole(counts.get("input_tokens", counts.get("prompt_tokens"))),
            output_tokens=whole(counts.get("output_tokens", counts.get("completion_tokens"))),
            cached_tokens=whole(dig(counts, "input_tokens_details", "cached_tokens")),
            reasoning_tokens=whole(dig(counts, "output_tokens_details", "reasoning_tokens")),
        )

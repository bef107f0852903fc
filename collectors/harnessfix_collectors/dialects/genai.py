"""OpenTelemetry GenAI, 1.36 to genai v0.1.0, and what follows it: AG2, AutoGen, Strands.

Messages are attributes since 1.37, events of the span (or log records, which are read as such) before, and numbered
attributes (`gen_ai.prompt.0.content`) before that.

https://github.com/open-telemetry/semantic-conventions-genai
"""

from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.histories import MessagePool
from harnessfix_collectors.otlp import OtlpSpan, SpanEvent
from harnessfix_ir.vocabulary import StepKind

from .base import Dialect, Normal, finish_reason, message_parts, parse_json, unflatten, usage_of

KINDS = {
    "chat": StepKind.MODEL_CALL,
    "generate_content": StepKind.MODEL_CALL,
    "text_completion": StepKind.MODEL_CALL,
    "completion": StepKind.MODEL_CALL,
    "fetch_response": StepKind.MODEL_CALL,
    "execute_tool": StepKind.TOOL_CALL,
    "invoke_agent": StepKind.TASK,
    "invoke_workflow": StepKind.TASK,
    "create_agent": StepKind.LIFECYCLE,
    "plan": StepKind.LIFECYCLE,
    "retrieval": StepKind.RETRIEVAL,
    "embeddings": StepKind.RETRIEVAL,
}
ROLE_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
CHOICE = "gen_ai.choice"
WHOLE = ("gen_ai.client.inference.operation.details", "gen_ai.content.prompt", "gen_ai.content.completion")
WHOLE_KEYS = {
    "input": ("gen_ai.system_instructions", "gen_ai.input.messages", "gen_ai.prompt"),
    "output": ("gen_ai.output.messages", "gen_ai.completion"),
}
INPUTS = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens")
OUTPUTS = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens")
CACHED = ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens")
REASONING = ("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens")


class GenAi(Dialect):
    """Spans with `gen_ai.operation.name`; messages as attributes, or as events of the span as before 1.37."""

    name = "genai"
    priority = 10

    def recognises(self, span: OtlpSpan) -> bool:
        """By `gen_ai.operation.name`."""
        return "gen_ai.operation.name" in span.attributes

    def normalise(self, span: OtlpSpan, pool: MessagePool) -> Normal:
        """Kind by operation, messages from attributes or events."""
        operation = span.text("gen_ai.operation.name") or ""
        kind = KINDS.get(operation, StepKind.MEMORY if "memory" in operation else StepKind.LIFECYCLE)
        normal = Normal(kind, span.name)
        normal.agent = span.text("gen_ai.agent.name", "gen_ai.workflow.name", "agent_name")
        if kind is StepKind.TOOL_CALL:
            take_tool(span, normal, pool)
        else:
            take_conversation(span, normal, pool)
        return normal


def take_tool(span: OtlpSpan, normal: Normal, pool: MessagePool) -> None:
    """Name, arguments and result of a tool call."""
    normal.name = span.text("gen_ai.tool.name") or span.name
    call_id = span.text("gen_ai.tool.call.id")
    arguments = ("gen_ai.tool.call.arguments", "tool_arguments")
    results = ("gen_ai.tool.call.result", "gen_ai.tool.call.response", "tool_response")
    normal.take_value(span, pool, "input", *arguments, role="arguments", call_id=call_id)
    normal.take_value(span, pool, "output", *results, role="result", call_id=call_id)


def take_conversation(span: OtlpSpan, normal: Normal, pool: MessagePool) -> None:
    """Instructions, messages, finish reason and, for a model call, usage."""
    normal.take_messages(span, pool, "input", "gen_ai.system_instructions", role="system")
    instructions = len(normal.input)
    if not normal.take_messages(span, pool, "input", "gen_ai.input.messages", "pydantic_ai.all_messages"):
        _numbered(span, normal, pool, "input", "gen_ai.prompt.", "llm.prompts.")
    if not normal.take_messages(span, pool, "output", "gen_ai.output.messages", "final_result", role="assistant"):
        _numbered(span, normal, pool, "output", "gen_ai.completion.", "llm.completions.")
    if len(normal.input) == instructions:
        _take_events(span, normal, pool, "input")
    if not normal.output:
        _take_events(span, normal, pool, "output")
    chosen = next((event.attributes.get("finish_reason") for event in span.events if event.name == CHOICE), None)
    normal.finish_reason = (
        finish_reason(span.attributes.get("gen_ai.response.finish_reasons"))
        or normal.finish_reason
        or finish_reason(chosen)
    )
    normal.response_id = span.text("gen_ai.response.id")
    if normal.kind is StepKind.MODEL_CALL:
        normal.usage = usage_of(span, INPUTS, OUTPUTS, CACHED, REASONING)


def _numbered(span: OtlpSpan, normal: Normal, pool: MessagePool, side: str, *prefixes: str) -> None:
    """`gen_ai.prompt.0.role`; LangSmith's exporter puts the whole request under `gen_ai.prompt`."""
    for prefix in prefixes:
        messages, keys = unflatten(span.attributes, prefix)
        if keys and isinstance(messages, list):
            normal.side(side).extend(message_parts(messages, pool, "user" if side == "input" else "assistant"))
            normal.used |= keys
            reasons = [message.get("finish_reason") for message in messages if isinstance(message, dict)]
            normal.finish_reason = normal.finish_reason or finish_reason([r for r in reasons if r])
            return


def _take_events(span: OtlpSpan, normal: Normal, pool: MessagePool, side: str) -> None:
    """Messages from events; one with all of them counts before those with one each, where both were written."""
    whole = [told for event in span.events if event.name in WHOLE for told in [list(_whole(event, side, pool))] if told]
    for messages, role in whole[-1] if whole else _one_by_one(span, side):
        normal.side(side).extend(pool.parts_of(messages, role))


def _whole(event: SpanEvent, side: str, pool: MessagePool) -> Iterator[tuple[Any, str]]:
    """Messages of an event that has all of a side, and whose they are where they do not say it."""
    body = {key: pool.parse(value) for key, value in event.attributes.items()}
    for key in WHOLE_KEYS[side]:
        if body.get(key) is not None:
            role = "system" if key.endswith("instructions") else "user" if side == "input" else "assistant"
            yield body[key], role


def _one_by_one(span: OtlpSpan, side: str) -> Iterator[tuple[Any, str]]:
    for event in span.events:
        body = {key: parse_json(value) for key, value in event.attributes.items()}
        if side == "input" and event.name in ROLE_EVENTS:
            yield {"role": ROLE_EVENTS[event.name], **body}, "user"
        elif side == "output" and event.name == CHOICE:
            message = body.get("message")
            yield {"role": "assistant", **(message if isinstance(message, dict) else body)}, "assistant"

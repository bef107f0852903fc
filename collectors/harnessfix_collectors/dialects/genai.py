"""OpenTelemetry GenAI, 1.36 to genai v0.1.0, and what follows it: pydantic-ai, AG2, AutoGen, Strands.

https://github.com/open-telemetry/semantic-conventions-genai
"""

from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.otlp import OtlpSpan
from harnessfix_ir.steps import Part
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import StepKind

from .base import Dialect, Normal, as_text, finish_reason, message_parts, parse_json, usage_of

KINDS = {
    "chat": StepKind.MODEL_CALL,
    "generate_content": StepKind.MODEL_CALL,
    "text_completion": StepKind.MODEL_CALL,
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


class GenAi(Dialect):
    """Spans with `gen_ai.operation.name`; messages as attributes, or as events of the span as before 1.37."""

    name = "genai"
    priority = 10

    def recognises(self, span: OtlpSpan) -> bool:
        """By `gen_ai.operation.name`."""
        return "gen_ai.operation.name" in span.attributes

    def normalise(self, span: OtlpSpan, pool: TextPool) -> Normal:
        """Kind by operation, messages from attributes or events."""
        operation = span.text("gen_ai.operation.name") or ""
        kind = KINDS.get(operation, StepKind.MEMORY if "memory" in operation else StepKind.LIFECYCLE)
        normal = Normal(kind, span.name)
        if kind is StepKind.TOOL_CALL:
            normal.name = span.text("gen_ai.tool.name") or span.name
        normal.agent = span.text("gen_ai.agent.name", "gen_ai.workflow.name", "agent_name")
        if kind is StepKind.TOOL_CALL:
            _tool(span, normal, pool)
        else:
            _messages(span, normal, pool)
        normal.finish_reason = finish_reason(span.attributes.get("gen_ai.response.finish_reasons"))
        if kind is StepKind.MODEL_CALL:
            normal.usage = usage_of(
                span,
                ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
                ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
                ("gen_ai.usage.cache_read.input_tokens",),
            )
        return normal


def _tool(span: OtlpSpan, normal: Normal, pool: TextPool) -> None:
    call_id = span.text("gen_ai.tool.call.id")
    pairs = (
        (normal.input, "arguments", ("gen_ai.tool.call.arguments", "tool_arguments")),
        (normal.output, "result", ("gen_ai.tool.call.result", "tool_response")),
    )
    for parts, role, keys in pairs:
        key = next((key for key in keys if span.attributes.get(key) is not None), None)
        if key is not None:
            text = pool.put(as_text(span.attributes[key]))
            parts.append(Part(role=role, text=text, name=normal.name, call_id=call_id))
            normal.used.add(key)


def _messages(span: OtlpSpan, normal: Normal, pool: TextPool) -> None:
    system = span.attributes.get("gen_ai.system_instructions")
    if system is not None:
        parsed = parse_json(system)
        wrapped = (
            {"role": "system", "parts": parsed} if isinstance(parsed, list) else {"role": "system", "content": parsed}
        )
        normal.input.extend(message_parts([wrapped], pool))
        normal.used.add("gen_ai.system_instructions")
    for side, keys in (
        (normal.input, ("gen_ai.input.messages", "pydantic_ai.all_messages")),
        (normal.output, ("gen_ai.output.messages", "final_result")),
    ):
        key = next((key for key in keys if span.attributes.get(key) is not None), None)
        if key is not None:
            parsed = parse_json(span.attributes[key])
            side.extend(message_parts(parsed, pool) if not isinstance(parsed, str) else _plain(parsed, pool))
            normal.used.add(key)
    for parts, messages in _event_messages(span):
        (normal.output if parts == "out" else normal.input).extend(message_parts([messages], pool))


def _plain(text: str, pool: TextPool) -> Iterator[Part]:
    yield Part(role="assistant", text=pool.put(text))


def _event_messages(span: OtlpSpan) -> Iterator[tuple[str, dict[str, Any]]]:
    for event in span.events:
        body = {key: parse_json(value) for key, value in event.attributes.items()}
        if event.name in ROLE_EVENTS:
            yield "in", {"role": ROLE_EVENTS[event.name], **body}
        elif event.name == "gen_ai.choice":
            message = body.get("message")
            yield "out", {"role": "assistant", **(message if isinstance(message, dict) else body)}

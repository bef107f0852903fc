"""LangSmith: spans of its OpenTelemetry exporter, and runs of a LangSmith export, which the reader gives the same keys.

https://docs.langchain.com/langsmith/trace-with-opentelemetry
"""

from typing import Any

from harnessfix_collectors.histories import MessagePool
from harnessfix_collectors.otlp import OtlpSpan
from harnessfix_collectors.values import dig, mapping, objects, whole
from harnessfix_ir.steps import Usage
from harnessfix_ir.vocabulary import StepKind

from .base import Dialect, Normal, finish_reason
from .genai import take_conversation

KINDS = {
    "llm": StepKind.MODEL_CALL,
    "tool": StepKind.TOOL_CALL,
    "retriever": StepKind.RETRIEVAL,
    "embedding": StepKind.RETRIEVAL,
    "parser": StepKind.PARSE,
    "prompt": StepKind.CONTEXT_BUILD,
}
INPUTS = ("gen_ai.prompt", "langsmith.inputs", "inputs")
OUTPUTS = ("gen_ai.completion", "langsmith.outputs", "outputs")


class LangSmith(Dialect):
    """A `chain` without a parent is the agent's episode; LangSmith has no kind for agents."""

    name = "langsmith"
    priority = 40

    def recognises(self, span: OtlpSpan) -> bool:
        """By `langsmith.span.kind`."""
        return "langsmith.span.kind" in span.attributes

    def normalise(self, span: OtlpSpan, pool: MessagePool) -> Normal:
        """Kind by run type."""
        word = (span.text("langsmith.span.kind") or "").lower()
        kind = KINDS.get(word, StepKind.LIFECYCLE if span.parent_id else StepKind.TASK)
        normal = Normal(kind, span.name)
        if kind is StepKind.TOOL_CALL:
            call_id = span.text("gen_ai.tool.call.id")
            normal.name = span.text("gen_ai.tool.name") or span.name
            normal.take_value(span, pool, "input", *INPUTS, role="arguments", call_id=call_id)
            normal.take_value(span, pool, "output", *OUTPUTS, role="result", call_id=call_id)
        elif kind is StepKind.MODEL_CALL:
            take_conversation(span, normal, pool)
            if not normal.input:
                _messages(span, normal, pool, "input", INPUTS)
            if not normal.output:
                _messages(span, normal, pool, "output", OUTPUTS)
        else:
            normal.take_value(span, pool, "input", *INPUTS, role="value")
            normal.take_value(span, pool, "output", *OUTPUTS, role="value")
        return normal


def _messages(span: OtlpSpan, normal: Normal, pool: MessagePool, side: str, keys: tuple[str, ...]) -> None:
    """Messages of an input or output: under `messages`, LangChain's `generations`, a provider's `choices`, or plain."""
    key = next((key for key in keys if span.attributes.get(key) is not None), None)
    if key is None:
        return
    value = pool.parse(span.attributes[key])
    messages, generation = _found(value)
    normal.side(side).extend(pool.parts_of(messages, "user" if side == "input" else "assistant"))
    normal.used.add(key)
    if side == "output":
        _reply(value, generation, normal)


def _found(value: Any) -> tuple[Any, dict[str, Any]]:
    """The messages in a value, and the generation that holds the reply."""
    if not isinstance(value, dict):
        return value, {}
    if isinstance(value.get("messages"), list):
        return value["messages"], {}
    generations = value.get("generations")
    while isinstance(generations, list) and generations:
        generations = generations[0]
    if isinstance(generations, dict):
        return generations.get("message") or generations.get("text"), generations
    choices = objects(value.get("choices"))
    if choices:
        return [choice.get("message") for choice in choices], choices[0]
    for name in ("message", "input", "output", "prompts", "prompt"):
        if value.get(name) is not None:
            return value[name], value
    return value, {}


def _reply(value: Any, generation: dict[str, Any], normal: Normal) -> None:
    message = mapping(dig(generation, "message", "kwargs")) or mapping(dig(generation, "message"))
    reason = generation.get("finish_reason") or dig(generation, "generation_info", "finish_reason")
    reason = reason or dig(message, "response_metadata", "finish_reason")
    normal.finish_reason = normal.finish_reason or finish_reason(reason)
    counts = mapping(dig(value, "usage")) or mapping(dig(value, "usage_metadata"))
    counts = counts or mapping(dig(message, "usage_metadata")) or mapping(dig(value, "llm_output", "token_usage"))
    if counts and normal.usage is None:
        normal.usage = Usage(
            input_tokens=whole(counts.get("input_tokens", counts.get("prompt_tokens"))),
            output_tokens=whole(counts.get("output_tokens", counts.get("completion_tokens"))),
            cached_tokens=whole(dig(counts, "input_token_details", "cache_read")),
        )

"""OpenInference (Arize): `openinference.span.kind` and flattened messages.

https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
"""

from harnessfix_collectors.histories import MessagePool
from harnessfix_collectors.messages import message_parts
from harnessfix_collectors.otlp import OtlpSpan
from harnessfix_collectors.values import dig, objects, parse_json
from harnessfix_ir.vocabulary import StepKind

from .base import Dialect, Normal, finish_reason, unflatten, usage_of

KINDS = {
    "LLM": StepKind.MODEL_CALL,
    "TOOL": StepKind.TOOL_CALL,
    "AGENT": StepKind.TASK,
    "CHAIN": StepKind.LIFECYCLE,
    "RETRIEVER": StepKind.RETRIEVAL,
    "RERANKER": StepKind.RETRIEVAL,
    "EMBEDDING": StepKind.RETRIEVAL,
    "GUARDRAIL": StepKind.GUARD,
    "EVALUATOR": StepKind.VERIFY,
    "PROMPT": StepKind.CONTEXT_BUILD,
}


class OpenInference(Dialect):
    """Wins over GenAI attributes on the same span: those may then hold the tool's schema for its arguments."""

    name = "openinference"
    priority = 20

    def recognises(self, span: OtlpSpan) -> bool:
        """By `openinference.span.kind`."""
        return "openinference.span.kind" in span.attributes

    def normalise(self, span: OtlpSpan, pool: MessagePool) -> Normal:
        """Kind by span kind; messages un-flattened; input.value and output.value for everything else."""
        kind = KINDS.get((span.text("openinference.span.kind") or "").upper(), StepKind.LIFECYCLE)
        normal = Normal(kind, span.name, agent=span.text("agent.name", "graph.node.id"))
        if kind is StepKind.TOOL_CALL:
            normal.name = span.text("tool.name") or span.name
        if kind is StepKind.MODEL_CALL:
            _model_call(span, normal, pool)
        roles = ("arguments", "result") if kind is StepKind.TOOL_CALL else ("value", "value")
        call_id = span.text("tool_call.id", "tool.id")
        for side, key, role in (("input", "input.value", roles[0]), ("output", "output.value", roles[1])):
            if normal.side(side):
                continue
            parsed = parse_json(span.attributes.get(key)) if kind is StepKind.MODEL_CALL else None
            if isinstance(parsed, dict) and isinstance(parsed.get("messages"), list):
                normal.take_messages(span, pool, side, key)
            else:
                normal.take_value(span, pool, side, key, role=role, call_id=call_id)
        return normal


def _model_call(span: OtlpSpan, normal: Normal, pool: MessagePool) -> None:
    for side in ("input", "output"):
        messages, keys = unflatten(span.attributes, f"llm.{side}_messages.")
        if keys and isinstance(messages, list):
            normal.side(side).extend(message_parts(messages, pool, "user" if side == "input" else "assistant"))
            normal.used |= keys
    normal.usage = usage_of(
        span,
        ("llm.token_count.prompt",),
        ("llm.token_count.completion",),
        ("llm.token_count.prompt_details.cache_read",),
        ("llm.token_count.completion_details.reasoning",),
    )
    normal.finish_reason = finish_reason(span.attributes.get("llm.finish_reason"))
    reply = parse_json(span.attributes.get("output.value"))
    normal.response_id = span.text("gen_ai.response.id") or _id_of(reply)
    if normal.finish_reason is None:
        # The raw reply of the provider, where the instrumentation kept it, says why the model stopped.
        choices = objects(dig(reply, "choices"))
        reason = choices[0].get("finish_reason") if choices else dig(reply, "incomplete_details", "reason")
        normal.finish_reason = finish_reason(reason or dig(reply, "stop_reason"))


def _id_of(reply: object) -> str | None:
    found = dig(reply, "id")
    return found if isinstance(found, str) and found else None

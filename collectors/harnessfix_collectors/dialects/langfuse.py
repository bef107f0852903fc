"""The Langfuse SDK's spans, and observations of a Langfuse export: `langfuse.observation.*`.

https://langfuse.com/integrations/native/opentelemetry
"""

from harnessfix_collectors.histories import MessagePool
from harnessfix_collectors.otlp import OtlpSpan
from harnessfix_collectors.values import mapping, parse_json, whole
from harnessfix_ir.steps import Usage
from harnessfix_ir.vocabulary import StepKind

from .base import Dialect, Normal, finish_reason

KINDS = {
    "generation": StepKind.MODEL_CALL,
    "tool": StepKind.TOOL_CALL,
    "agent": StepKind.TASK,
    "retriever": StepKind.RETRIEVAL,
    "embedding": StepKind.RETRIEVAL,
    "evaluator": StepKind.VERIFY,
    "guardrail": StepKind.GUARD,
}
PREFIX = "langfuse.observation."


class Langfuse(Dialect):
    """A plain `span` that another instrumentation made keeps the kind which that one's attributes say."""

    name = "langfuse"
    priority = 40

    def recognises(self, span: OtlpSpan) -> bool:
        """By `langfuse.observation.type`."""
        return "langfuse.observation.type" in span.attributes

    def normalise(self, span: OtlpSpan, pool: MessagePool) -> Normal:
        """Kind by observation type; input and output as messages for a generation."""
        word = (span.text(PREFIX + "type") or "").lower()
        other = self._other(span, pool)
        kind = KINDS.get(word) or (other.kind if other else StepKind.LIFECYCLE)
        normal = Normal(kind, span.name)
        if kind is StepKind.TASK:
            normal.agent = span.name
        if other is not None:
            normal.name, normal.agent = other.name, other.agent
            normal.finish_reason, normal.usage, normal.response_id = other.finish_reason, other.usage, other.response_id
        input_key, output_key = PREFIX + "input", PREFIX + "output"
        if kind is StepKind.MODEL_CALL:
            normal.take_messages(span, pool, "input", input_key)
            normal.take_messages(span, pool, "output", output_key, role="assistant")
            normal.usage = _usage(parse_json(span.attributes.get(PREFIX + "usage_details"))) or normal.usage
            reply = mapping(parse_json(span.attributes.get(output_key)))
            normal.finish_reason = normal.finish_reason or finish_reason(reply.get("finish_reason"))
        else:
            roles = ("arguments", "result") if kind is StepKind.TOOL_CALL else ("value", "value")
            normal.take_value(span, pool, "input", input_key, role=roles[0])
            normal.take_value(span, pool, "output", output_key, role=roles[1])
        if other is not None and kind is other.kind:
            for side in ("input", "output"):
                if not normal.side(side):
                    normal.side(side).extend(other.side(side))
                    normal.used |= other.used
        if (span.text(PREFIX + "level") or "").upper() == "ERROR":
            normal.error = span.text(PREFIX + "status_message") or "error"
        return normal

    def _other(self, span: OtlpSpan, pool: MessagePool) -> Normal | None:
        """What the next dialect makes of the span, None when only the last resort recognises it."""
        from . import all_dialects

        for dialect in all_dialects():
            if dialect.priority < self.priority and dialect.recognises(span):
                return dialect.normalise(span, pool) if dialect.priority > 0 else None
        return None


def _usage(details: object) -> Usage | None:
    counts = mapping(details)
    usage = Usage(
        input_tokens=whole(counts.get("input", counts.get("prompt_tokens"))),
        output_tokens=whole(counts.get("output", counts.get("completion_tokens"))),
        cached_tokens=whole(counts.get("input_cached_tokens", counts.get("cache_read_input_tokens"))),
        reasoning_tokens=whole(counts.get("output_reasoning_tokens")),
    )
    return usage if usage.input_tokens is not None or usage.output_tokens is not None else None

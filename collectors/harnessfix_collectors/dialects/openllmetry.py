"""OpenLLMetry (Traceloop): `traceloop.span.kind` on workflows, tasks, agents and tools; older model spans by
`llm.request.type`. Newer model spans carry GenAI attributes and are read as such.

https://github.com/traceloop/openllmetry, package opentelemetry-semantic-conventions-ai
"""

from harnessfix_collectors.histories import MessagePool
from harnessfix_collectors.otlp import OtlpSpan
from harnessfix_ir.vocabulary import StepKind

from .base import Dialect, Normal
from .genai import take_conversation, take_tool

KINDS = {
    "workflow": StepKind.TASK,
    "agent": StepKind.TASK,
    "task": StepKind.LIFECYCLE,
    "tool": StepKind.TOOL_CALL,
}
MODEL = ("chat", "completion")
OWN = ("traceloop.span.kind", "traceloop.entity.input", "llm.request.type")


class OpenLlmetry(Dialect):
    """Inputs and outputs are JSON in `traceloop.entity.input` and `traceloop.entity.output`."""

    name = "openllmetry"
    priority = 15

    def recognises(self, span: OtlpSpan) -> bool:
        """By `traceloop.span.kind`, an entity's input, or `llm.request.type` of older model spans."""
        return any(key in span.attributes for key in OWN)

    def normalise(self, span: OtlpSpan, pool: MessagePool) -> Normal:
        """Kind by span kind or request type."""
        word = span.text("traceloop.span.kind")
        if word is None and "llm.request.type" in span.attributes:
            model = (span.text("llm.request.type") or "") in MODEL
            normal = Normal(StepKind.MODEL_CALL if model else StepKind.RETRIEVAL, span.name)
            take_conversation(span, normal, pool)
            return normal
        normal = Normal(KINDS.get(word or "", StepKind.LIFECYCLE), span.text("traceloop.entity.name") or span.name)
        normal.agent = span.text("gen_ai.agent.name") or (normal.name if word == "agent" else None)
        if normal.kind is StepKind.TOOL_CALL:
            entity = normal.name
            take_tool(span, normal, pool)
            normal.name = span.text("gen_ai.tool.name") or entity
            return _entity(span, normal, pool, "arguments", "result")
        take_conversation(span, normal, pool)
        return _entity(span, normal, pool, "value", "value")


def _entity(span: OtlpSpan, normal: Normal, pool: MessagePool, input_role: str, output_role: str) -> Normal:
    for side, key, role in (
        ("input", "traceloop.entity.input", input_role),
        ("output", "traceloop.entity.output", output_role),
    ):
        if not normal.side(side):
            normal.take_value(span, pool, side, key, role=role)
    return normal

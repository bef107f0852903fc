"""pydantic-ai's own instrumentation (versions 1 to 4 of its format) as Logfire and others export it.

Newer formats are GenAI with additions; older ones put all messages of a model call into one JSON attribute, `events`,
and those of a run into `all_messages_events`.

https://ai.pydantic.dev/logfire/
"""

from harnessfix_collectors.histories import MessagePool
from harnessfix_collectors.messages import message_parts
from harnessfix_collectors.otlp import OtlpSpan
from harnessfix_collectors.values import objects, parse_json
from harnessfix_ir.vocabulary import StepKind

from .base import Dialect, Normal
from .genai import KINDS, take_conversation, take_tool

OWN = ("model_request_parameters", "pydantic_ai.all_messages", "all_messages_events", "pydantic_ai.tool.failure_stage")


class PydanticAi(Dialect):
    """Run spans carry the sum of their calls' usage, which is not counted again."""

    name = "pydantic-ai"
    priority = 12

    def recognises(self, span: OtlpSpan) -> bool:
        """By attributes that only pydantic-ai sets, or `agent_name` beside Logfire's message."""
        found = any(key in span.attributes for key in OWN)
        return found or ("logfire.msg" in span.attributes and _old_kind(span) is not None)

    def normalise(self, span: OtlpSpan, pool: MessagePool) -> Normal:
        """As GenAI, and the older attributes."""
        operation = span.text("gen_ai.operation.name") or ""
        kind = KINDS.get(operation) or _old_kind(span) or StepKind.LIFECYCLE
        normal = Normal(kind, span.name, agent=span.text("gen_ai.agent.name", "agent_name"))
        if kind is StepKind.TOOL_CALL:
            take_tool(span, normal, pool)
            return normal
        take_conversation(span, normal, pool)
        if not normal.input:
            for key in ("events", "all_messages_events"):
                _old_events(span, normal, pool, key)
        return normal


def _old_kind(span: OtlpSpan) -> StepKind | None:
    if "gen_ai.tool.name" in span.attributes or "tool_arguments" in span.attributes:
        return StepKind.TOOL_CALL
    if "agent_name" in span.attributes:
        return StepKind.TASK
    return StepKind.MODEL_CALL if "model_request_parameters" in span.attributes else None


def _old_events(span: OtlpSpan, normal: Normal, pool: MessagePool, key: str) -> None:
    events = objects(parse_json(span.attributes.get(key)))
    if not events:
        return
    for event in events:
        choice = event.get("event.name") == "gen_ai.choice"
        side = "output" if choice else "input"
        role = str(event.get("event.name") or "").removeprefix("gen_ai.").removesuffix(".message")
        normal.side(side).extend(message_parts(event, pool, "assistant" if choice else role or "user"))
    normal.used.add(key)

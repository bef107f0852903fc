"""Claude Code's own traces (beta): `span.type`, bare token counts, and tool output in an event.

https://code.claude.com/docs/en/monitoring-usage
"""

from harnessfix_collectors.histories import MessagePool
from harnessfix_collectors.otlp import OtlpSpan
from harnessfix_ir.steps import Part
from harnessfix_ir.vocabulary import StepKind

from .base import Dialect, Normal, as_text, finish_reason, usage_of

KINDS = {
    "interaction": StepKind.TASK,
    "llm_request": StepKind.MODEL_CALL,
    "tool": StepKind.TOOL_CALL,
    "tool.execution": StepKind.LIFECYCLE,
    "tool.blocked_on_user": StepKind.GUARD,
    "hook": StepKind.GUARD,
}


class ClaudeCode(Dialect):
    """Texts are there only when the person who ran it switched them on."""

    name = "claude-code"
    priority = 25

    def recognises(self, span: OtlpSpan) -> bool:
        """By `span.type` of its own values, with or without prefix."""
        return _kind(span) is not None

    def normalise(self, span: OtlpSpan, pool: MessagePool) -> Normal:
        """Kind by span type."""
        kind = _kind(span) or StepKind.LIFECYCLE
        normal = Normal(kind, span.name)
        if kind is StepKind.TOOL_CALL:
            normal.name = span.text("tool_name", "gen_ai.tool.name") or span.name
            call_id = span.text("tool_use_id", "gen_ai.tool.call.id")
            keys = ("tool_input", "tool_parameters", "full_command", "file_path")
            normal.take_value(span, pool, "input", *keys, role="arguments", call_id=call_id)
            for event in span.events:
                output = event.attributes.get("output", event.attributes.get("content"))
                if event.name == "tool.output" and output is not None:
                    text = pool.put(as_text(output))
                    normal.output.append(Part(role="result", text=text, name=normal.name, call_id=call_id))
            normal.take_value(span, pool, "output", "tool_result", "tool_output", role="result", call_id=call_id)
        elif kind is StepKind.MODEL_CALL:
            normal.name = span.text("model", "gen_ai.request.model") or span.name
            normal.take_messages(span, pool, "input", "system_prompt", role="system")
            normal.take_messages(span, pool, "input", "new_context", "messages")
            normal.take_messages(span, pool, "output", "response.model_output", "response", role="assistant")
            normal.usage = usage_of(span, ("input_tokens",), ("output_tokens",), ("cache_read_tokens",))
            normal.finish_reason = finish_reason(span.attributes.get("stop_reason"))
            normal.response_id = span.text("request_id")
        else:
            normal.take_value(span, pool, "input", "user_prompt", role="value")
        if str(span.attributes.get("success")).lower() == "false":
            normal.error = span.text("error", "error_message") or "not successful"
        return normal


def _kind(span: OtlpSpan) -> StepKind | None:
    word = (span.text("span.type") or "").removeprefix("claude_code.")
    return KINDS.get(word)

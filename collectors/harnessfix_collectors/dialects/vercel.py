"""The Vercel AI SDK's telemetry: `ai.operationId`, with `ai.*` attributes; some spans carry `gen_ai.*` copies besides.

https://ai-sdk.dev/docs/ai-sdk-core/telemetry
"""

from harnessfix_collectors.histories import MessagePool
from harnessfix_collectors.messages import message_parts
from harnessfix_collectors.otlp import OtlpSpan
from harnessfix_collectors.values import parse_json
from harnessfix_ir.steps import Part
from harnessfix_ir.vocabulary import StepKind

from .base import Dialect, Normal, finish_reason, usage_of


class Vercel(Dialect):
    """`ai.generateText` is the loop (an agent), `ai.generateText.doGenerate` one request to the model."""

    name = "vercel-ai"
    priority = 30

    def recognises(self, span: OtlpSpan) -> bool:
        """By `ai.operationId`."""
        return "ai.operationId" in span.attributes

    def normalise(self, span: OtlpSpan, pool: MessagePool) -> Normal:
        """Kind by operation."""
        operation = span.text("ai.operationId") or ""
        agent = span.text("ai.telemetry.functionId")
        if operation == "ai.toolCall":
            normal = Normal(StepKind.TOOL_CALL, span.text("ai.toolCall.name") or span.name, agent=agent)
            call_id = span.text("ai.toolCall.id")
            arguments = ("ai.toolCall.args", "ai.toolCall.input")
            normal.take_value(span, pool, "input", *arguments, role="arguments", call_id=call_id)
            results = ("ai.toolCall.result", "ai.toolCall.output")
            normal.take_value(span, pool, "output", *results, role="result", call_id=call_id)
            return normal
        request = operation.endswith((".doGenerate", ".doStream"))
        if operation.startswith(("ai.embed", "ai.rerank")):
            kind = StepKind.RETRIEVAL
        else:
            kind = StepKind.MODEL_CALL if request else StepKind.TASK
        normal = Normal(kind, (span.text("ai.model.id") if request else agent) or span.name, agent=agent)
        _conversation(span, normal, pool)
        normal.finish_reason = finish_reason(span.attributes.get("ai.response.finishReason"))
        normal.response_id = span.text("ai.response.id")
        if kind is StepKind.MODEL_CALL:
            normal.usage = usage_of(
                span,
                ("ai.usage.inputTokens", "ai.usage.promptTokens", "gen_ai.usage.input_tokens"),
                ("ai.usage.outputTokens", "ai.usage.completionTokens", "gen_ai.usage.output_tokens"),
                ("ai.usage.cachedInputTokens",),
                ("ai.usage.reasoningTokens",),
            )
        return normal


def _conversation(span: OtlpSpan, normal: Normal, pool: MessagePool) -> None:
    if not normal.take_messages(span, pool, "input", "ai.prompt.messages"):
        prompt = parse_json(span.attributes.get("ai.prompt"))
        if isinstance(prompt, dict):
            normal.input.extend(message_parts(prompt.get("system") or [], pool, "system"))
            normal.input.extend(message_parts(prompt.get("messages") or prompt.get("prompt") or [], pool))
            normal.used.add("ai.prompt")
    reasoning, text = span.text("ai.response.reasoning"), span.text("ai.response.text", "ai.response.object")
    if reasoning:
        normal.output.append(Part(role="assistant", text=pool.put(reasoning), kind="reasoning"))
        normal.used.add("ai.response.reasoning")
    if text:
        normal.output.append(Part(role="assistant", text=pool.put(text)))
        normal.used |= {"ai.response.text", "ai.response.object"} & set(span.attributes)
    calls = parse_json(span.attributes.get("ai.response.toolCalls"))
    if isinstance(calls, list):
        normal.output.extend(message_parts({"role": "assistant", "toolCalls": calls}, pool))
        normal.used.add("ai.response.toolCalls")

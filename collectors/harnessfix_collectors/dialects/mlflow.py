"""MLflow tracing exported as OpenTelemetry: `mlflow.spanType`, inputs and outputs as JSON.

https://mlflow.org/docs/latest/genai/tracing/
"""

from harnessfix_collectors.histories import MessagePool
from harnessfix_collectors.messages import message_parts
from harnessfix_collectors.otlp import OtlpSpan
from harnessfix_collectors.values import dig, mapping, objects, parse_json, string, whole
from harnessfix_ir.steps import Usage
from harnessfix_ir.vocabulary import StepKind

from .base import Dialect, Normal, finish_reason

KINDS = {
    "LLM": StepKind.MODEL_CALL,
    "CHAT_MODEL": StepKind.MODEL_CALL,
    "TOOL": StepKind.TOOL_CALL,
    "AGENT": StepKind.TASK,
    "RETRIEVER": StepKind.RETRIEVAL,
    "RERANKER": StepKind.RETRIEVAL,
    "EMBEDDING": StepKind.RETRIEVAL,
    "PARSER": StepKind.PARSE,
    "MEMORY": StepKind.MEMORY,
    "GUARDRAIL": StepKind.GUARD,
    "EVALUATOR": StepKind.VERIFY,
}
INPUTS, OUTPUTS = "mlflow.spanInputs", "mlflow.spanOutputs"


class Mlflow(Dialect):
    """Every value is JSON, also a plain string."""

    name = "mlflow"
    priority = 40

    def recognises(self, span: OtlpSpan) -> bool:
        """By `mlflow.spanType`."""
        return "mlflow.spanType" in span.attributes

    def normalise(self, span: OtlpSpan, pool: MessagePool) -> Normal:
        """Kind by span type."""
        word = string(parse_json(span.attributes["mlflow.spanType"])).upper()
        normal = Normal(KINDS.get(word, StepKind.LIFECYCLE), span.name)
        if normal.kind is StepKind.TASK:
            normal.agent = span.name
        if normal.kind is not StepKind.MODEL_CALL:
            tool = normal.kind is StepKind.TOOL_CALL
            normal.take_value(span, pool, "input", INPUTS, role="arguments" if tool else "value")
            normal.take_value(span, pool, "output", OUTPUTS, role="result" if tool else "value")
            return normal
        request = parse_json(span.attributes.get(INPUTS))
        reply = parse_json(span.attributes.get(OUTPUTS))
        sent = dig(request, "messages") or dig(request, "input") or request
        normal.input.extend(message_parts(sent, pool) if sent else ())
        choices = objects(dig(reply, "choices"))
        said = choices or dig(reply, "messages") or dig(reply, "output") or reply
        normal.output.extend(message_parts(said, pool, "assistant") if said else ())
        normal.used |= {INPUTS, OUTPUTS} & set(span.attributes)
        reason = choices[0].get("finish_reason") if choices else dig(reply, "stop_reason")
        normal.finish_reason = finish_reason(reason)
        normal.response_id = string(dig(reply, "id")) or None
        counts = mapping(parse_json(span.attributes.get("mlflow.chat.tokenUsage"))) or mapping(dig(reply, "usage"))
        if counts:
            normal.usage = Usage(
                input_tokens=whole(counts.get("input_tokens", counts.get("prompt_tokens"))),
                output_tokens=whole(counts.get("output_tokens", counts.get("completion_tokens"))),
            )
        return normal

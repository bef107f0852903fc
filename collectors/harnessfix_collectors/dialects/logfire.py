"""Logfire's integrations of model clients (`logfire.instrument_openai()` and its kin): the request and the reply as
JSON in `request_data` and `response_data`.

https://logfire.pydantic.dev/docs/integrations/
"""

from harnessfix_collectors.histories import MessagePool
from harnessfix_collectors.messages import message_parts
from harnessfix_collectors.otlp import OtlpSpan
from harnessfix_collectors.values import dig, mapping, parse_json, whole
from harnessfix_ir.steps import Usage
from harnessfix_ir.vocabulary import StepKind

from .base import Dialect, Normal, finish_reason
from .genai import INPUTS, OUTPUTS


class Logfire(Dialect):
    """For versions before messages went into GenAI attributes; newer ones are read as GenAI."""

    name = "logfire"
    priority = 11

    def recognises(self, span: OtlpSpan) -> bool:
        """By `request_data` beside Logfire's own message template, where there are no messages as GenAI has them."""
        own = "request_data" in span.attributes and "logfire.msg_template" in span.attributes
        return own and "gen_ai.input.messages" not in span.attributes

    def normalise(self, span: OtlpSpan, pool: MessagePool) -> Normal:
        """A model call, or a lifecycle step when no messages were sent."""
        request = mapping(parse_json(span.attributes["request_data"]))
        response = mapping(parse_json(span.attributes.get("response_data")))
        messages = request.get("messages", request.get("input"))
        if messages is None:
            return Normal(StepKind.LIFECYCLE, span.name)
        normal = Normal(StepKind.MODEL_CALL, str(request.get("model") or span.name))
        for system in (request.get("system"), request.get("instructions")):
            normal.input.extend(message_parts(system, pool, "system") if system else ())
        normal.input.extend(message_parts(messages, pool))
        reply = response.get("message") or response.get("output") or response.get("combined_chunk_content")
        normal.output.extend(message_parts(reply, pool, "assistant") if reply else ())
        normal.used |= {"request_data", "response_data"} & set(span.attributes)
        reasons = span.attributes.get("gen_ai.response.finish_reasons")
        normal.finish_reason = finish_reason(reasons or response.get("finish_reason"))
        usage = response.get("usage")
        if isinstance(usage, dict):
            normal.usage = Usage(
                input_tokens=whole(usage.get("prompt_tokens", usage.get("input_tokens"))),
                output_tokens=whole(usage.get("completion_tokens", usage.get("output_tokens"))),
                cached_tokens=whole(dig(usage, "prompt_tokens_details", "cached_tokens")),
            )
        elif span.number(*INPUTS, *OUTPUTS) is not None:
            normal.usage = Usage(input_tokens=span.number(*INPUTS), output_tokens=span.number(*OUTPUTS))
        return normal

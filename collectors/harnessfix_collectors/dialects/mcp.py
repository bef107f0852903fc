"""The Model Context Protocol: requests of a client and their handling by a server, `mcp.method.name`.

https://github.com/open-telemetry/semantic-conventions-genai, docs/gen-ai/mcp.md
"""

from harnessfix_collectors.histories import MessagePool
from harnessfix_collectors.otlp import OtlpSpan
from harnessfix_ir.vocabulary import StepKind

from .base import Dialect, Normal
from .genai import take_tool


class Mcp(Dialect):
    """A tool call, the reading of a resource, the fetching of a prompt; the rest is the protocol's own business."""

    name = "mcp"
    priority = 22

    def recognises(self, span: OtlpSpan) -> bool:
        """By `mcp.method.name`."""
        return "mcp.method.name" in span.attributes

    def normalise(self, span: OtlpSpan, pool: MessagePool) -> Normal:
        """Kind by method."""
        method = span.text("mcp.method.name") or ""
        if method == "tools/call":
            normal = Normal(StepKind.TOOL_CALL, span.name)
            take_tool(span, normal, pool)
            normal.take_value(span, pool, "input", "mcp.request.argument", role="arguments")
            normal.take_value(span, pool, "output", "mcp.response.value", role="result")
            if span.text("error.type") == "tool_error":
                normal.error = "the tool answered with an error"
            return normal
        kind = {"resources/read": StepKind.RETRIEVAL, "prompts/get": StepKind.CONTEXT_BUILD}
        return Normal(kind.get(method, StepKind.LIFECYCLE), span.text("mcp.resource.uri") or span.name)

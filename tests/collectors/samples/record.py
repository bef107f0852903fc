"""Record the sample spans in this folder with the real instrumentations, offline, against a scripted model.

    python record.py NAME OUT.jsonl

Each NAME needs its own environment; what it installs stands beside it in `RECORDERS`. One agent turn is played: the
model asks for the tool `lookup`, the tool answers or raises, the model ends. Where an instrumentation is not Python's
(`vercel-ai`), `record_vercel.mjs` beside this file does the same. The lines are OTLP/JSON as the collector's file
exporter writes them.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CALL = {"id": "call_1", "type": "function", "function": {"name": "lookup", "arguments": '{"key": "a"}'}}
TURNS = [
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "assistant", "content": "The value of a is value-of-a."},
]
TOOL = {
    "type": "function",
    "function": {
        "name": "lookup",
        "description": "Looks a key up.",
        "parameters": {"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"]},
    },
}
MESSAGES = [
    {"role": "system", "content": "Answer with the tool."},
    {"role": "user", "content": "What is the value of a?"},
]


class _Model(BaseHTTPRequestHandler):
    turn = 0

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        turn = TURNS[_Model.turn % len(TURNS)]
        _Model.turn += 1
        choice = {"index": 0, "message": turn, "finish_reason": "tool_calls" if "tool_calls" in turn else "stop"}
        usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
        body = {
            "id": f"chatcmpl-{_Model.turn}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": "scripted",
            "choices": [choice],
            "usage": usage,
        }
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def serve() -> str:
    """Start the scripted model; returns its base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/v1"


def exporter(out: Path) -> Any:
    """An exporter that writes spans as OTLP/JSON lines."""
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Lines(SpanExporter):
        def export(self, spans: Sequence[Any]) -> Any:
            with out.open("a") as file:
                file.writelines(json.dumps(_line(span)) + "\n" for span in spans)
            return SpanExportResult.SUCCESS

        def force_flush(self, timeout_millis: int = 0) -> bool:
            return True

    return Lines()


def provider(out: Path) -> Any:
    """A tracer provider that writes every span when it ends, set as the global one."""
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    made = TracerProvider(resource=Resource({"service.name": "sample"}))
    made.add_span_processor(SimpleSpanProcessor(exporter(out)))
    trace.set_tracer_provider(made)
    return made


def _line(span: Any) -> dict[str, Any]:
    context, scope = span.get_span_context(), span.instrumentation_scope
    status = {"code": span.status.status_code.value}
    if span.status.description:
        status["message"] = span.status.description
    told = {
        "traceId": format(context.trace_id, "032x"),
        "spanId": format(context.span_id, "016x"),
        "parentSpanId": format(span.parent.span_id, "016x") if span.parent else "",
        "name": span.name,
        "kind": span.kind.value + 1,
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "attributes": _attributes(span.attributes),
        "events": [
            {"timeUnixNano": str(e.timestamp), "name": e.name, "attributes": _attributes(e.attributes)}
            for e in span.events
        ],
        "status": status,
    }
    scope_spans = {"scope": {"name": scope.name, "version": scope.version or ""}, "spans": [told]}
    resource = {k: v for k, v in span.resource.attributes.items() if k.startswith(("service.name", "telemetry.sdk"))}
    return {"resourceSpans": [{"resource": {"attributes": _attributes(resource)}, "scopeSpans": [scope_spans]}]}


def _attributes(values: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in (values or {}).items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list | tuple):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": _attributes(value)}}
    return {} if value is None else {"stringValue": str(value)}


def lookup(key: str) -> str:
    """The tool."""
    if key == "boom":
        raise RuntimeError("backend exploded")
    return f"value-of-{key}"


def episode(client: Any, tool: Callable[[str], str] = lookup) -> str:
    """One agent turn with a plain OpenAI client."""
    messages: list[Any] = list(MESSAGES)
    while True:
        reply = client.chat.completions.create(model="scripted", messages=messages, tools=[TOOL]).choices[0].message
        messages.append(reply.model_dump(exclude_none=True))
        if not reply.tool_calls:
            return str(reply.content)
        for call in reply.tool_calls:
            result = tool(json.loads(call.function.arguments)["key"])
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


def _client() -> Any:
    from openai import OpenAI

    return OpenAI(base_url=serve(), api_key="scripted", max_retries=0)


def openllmetry(out: Path) -> None:
    made = provider(out)
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor
    from traceloop.sdk.decorators import agent, tool

    OpenAIInstrumentor().instrument(tracer_provider=made)
    from traceloop.sdk import Traceloop

    Traceloop.init(app_name="sample", exporter=exporter(out), disable_batch=True, telemetry_enabled=False)
    client = _client()

    @agent(name="finder")
    def run() -> str:
        return episode(client, tool(name="lookup")(lookup))

    run()


def genai(out: Path) -> None:
    made = provider(out)
    os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "SPAN_ONLY"
    os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "gen_ai_latest_experimental"
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=made)
    with made.get_tracer("sample").start_as_current_span(
        "invoke_agent finder", attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "finder"}
    ):
        episode(_client())


def openinference(out: Path) -> None:
    made = provider(out)
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=made)
    episode(_client())


def logfire(out: Path) -> None:
    os.environ["LOGFIRE_SEND_TO_LOGFIRE"] = "false"
    import logfire as library
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    library.configure(
        send_to_logfire=False, console=False, additional_span_processors=[SimpleSpanProcessor(exporter(out))]
    )
    client = _client()
    library.instrument_openai(client)
    with library.span("finder"):
        episode(client)


def pydantic_ai(out: Path, version: int = 5) -> None:
    made = provider(out)
    from pydantic_ai import Agent
    from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
    from pydantic_ai.models.function import FunctionModel
    from pydantic_ai.models.instrumented import InstrumentationSettings

    def model(messages: list[Any], _: Any) -> Any:
        if len(messages) == 1:
            return ModelResponse(parts=[ToolCallPart("lookup", {"key": "a"})])
        return ModelResponse(parts=[TextPart("The value of a is value-of-a.")])

    settings = InstrumentationSettings(tracer_provider=made, version=version)
    Agent.instrument_all(settings)
    agent: Any = Agent(FunctionModel(model), name="finder", instructions="Answer.")
    agent.tool_plain(lookup)
    agent.run_sync("What is the value of a?")


def langfuse(out: Path) -> None:
    made = provider(out)
    os.environ.update(LANGFUSE_PUBLIC_KEY="pk-sample", LANGFUSE_SECRET_KEY="none", LANGFUSE_HOST="http://127.0.0.1:1")
    from langfuse import Langfuse, observe

    Langfuse(tracer_provider=made)
    from langfuse.openai import OpenAI

    client = OpenAI(base_url=serve(), api_key="scripted", max_retries=0)

    @observe(name="finder", as_type="agent")
    def run() -> str:
        return episode(client, observe(name="lookup", as_type="tool")(lookup))

    run()


def langsmith(out: Path) -> None:
    os.environ.update(LANGSMITH_TRACING="true", LANGSMITH_OTEL_ENABLED="true", LANGSMITH_OTEL_ONLY="true")
    os.environ.update(LANGSMITH_API_KEY="none", LANGSMITH_ENDPOINT="http://127.0.0.1:1")
    provider(out)
    from langsmith import traceable
    from langsmith.wrappers import wrap_openai

    client = wrap_openai(_client())

    @traceable(name="finder")
    def run() -> str:
        return episode(client, traceable(run_type="tool", name="lookup")(lookup))

    run()
    from langsmith.run_trees import get_cached_client

    get_cached_client().flush()


def mlflow(out: Path) -> None:
    import tempfile

    os.environ.update(
        MLFLOW_TRACKING_URI=f"file://{tempfile.mkdtemp()}",
        MLFLOW_ENABLE_ASYNC_LOGGING="false",
        MLFLOW_ALLOW_FILE_STORE="true",
    )
    import mlflow as library
    from mlflow.tracing import provider as own
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    library.set_experiment("sample")
    own._get_tracer("sample")
    own.provider.get().add_span_processor(SimpleSpanProcessor(exporter(out)))
    client = _client()

    class Completions:
        """The client's, seen by MLflow's decorator: its OpenAI integration needs the full package."""

        @library.trace(name="Completions", span_type="CHAT_MODEL")
        def ask(self, messages: Any, model: str, tools: Any) -> Any:
            return client.chat.completions.create(model=model, messages=messages, tools=tools).model_dump()

        def create(self, **request: Any) -> Any:
            from openai.types.chat import ChatCompletion

            return ChatCompletion.model_validate(self.ask(**request))

    class Chat:
        completions = Completions()

    class Client:
        chat = Chat()

    @library.trace(name="finder", span_type="AGENT")
    def run() -> str:
        return episode(Client(), library.trace(name="lookup", span_type="TOOL")(lookup))

    run()


def mcp(out: Path) -> None:
    import asyncio

    provider(out)
    from mcp import Client
    from mcp.server import MCPServer

    server = MCPServer("sample")
    server.tool()(lookup)

    async def run() -> None:
        async with Client(server) as client:
            await client.list_tools()
            await client.call_tool("lookup", {"key": "a"})
            await client.call_tool("lookup", {"key": "boom"})

    asyncio.run(run())


def openllmetry_mcp(out: Path) -> None:
    import asyncio

    made = provider(out)
    from opentelemetry.instrumentation.mcp import McpInstrumentor

    McpInstrumentor().instrument(tracer_provider=made)
    from mcp.server.fastmcp import FastMCP
    from mcp.shared.memory import create_connected_server_and_client_session

    server = FastMCP("sample")
    server.tool()(lookup)

    async def run() -> None:
        async with create_connected_server_and_client_session(server._mcp_server) as session:
            await session.call_tool("lookup", {"key": "a"})
            await session.call_tool("lookup", {"key": "boom"})

    asyncio.run(run())


RECORDERS: dict[str, tuple[Callable[[Path], None], str]] = {
    "openllmetry": (openllmetry, "traceloop-sdk opentelemetry-instrumentation-openai openai"),
    "genai": (genai, "opentelemetry-instrumentation-genai-openai opentelemetry-sdk openai"),
    "openinference": (openinference, "openinference-instrumentation-openai opentelemetry-sdk openai"),
    "logfire": (logfire, "logfire openai"),
    "pydantic-ai": (pydantic_ai, "pydantic-ai-slim opentelemetry-sdk"),
    "pydantic-ai-2": (lambda out: pydantic_ai(out, 2), "pydantic-ai-slim opentelemetry-sdk"),
    "langfuse": (langfuse, "langfuse openai"),
    "langsmith": (langsmith, "langsmith[otel] openai"),
    "mlflow": (mlflow, "mlflow-skinny sqlparse openai"),
    "mcp": (mcp, "mcp>=2.3 opentelemetry-sdk"),
    "openllmetry-mcp": (openllmetry_mcp, "opentelemetry-instrumentation-mcp mcp<2 httpx opentelemetry-sdk"),
}

if __name__ == "__main__":
    name, path = sys.argv[1], Path(sys.argv[2])
    path.unlink(missing_ok=True)
    RECORDERS[name][0](path)
    print(name, len(path.read_text().splitlines()), "spans")

"""A harness of one file, with opentelemetry-instrumentation-openai-v2 and no content in its log events."""

HARNESS = "_loop.py"
ENVIRONMENT = "openai-v2"
PACKAGES = (
    "opentelemetry-instrumentation-openai-v2==2.4b0", "opentelemetry-util-genai==0.4b0", "opentelemetry-sdk", "openai",
    "httpx",
)  # fmt: skip

import os

os.environ.setdefault("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "false")
from _backend import Spans, log_exporter
from _loop import play
from opentelemetry import _logs, trace
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

if __name__ == "__main__":
    traces, logs = TracerProvider(), LoggerProvider()
    traces.add_span_processor(SimpleSpanProcessor(Spans()))
    logs.add_log_record_processor(SimpleLogRecordProcessor(log_exporter()))
    trace.set_tracer_provider(traces)
    _logs.set_logger_provider(logs)
    OpenAIInstrumentor().instrument()
    play()

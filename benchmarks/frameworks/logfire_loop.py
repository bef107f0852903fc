"""A harness of one file, with Logfire and its instrumentation of the openai client."""

HARNESS = "_loop.py"
ENVIRONMENT = "logfire"
PACKAGES = ("logfire>=5.4,<7", "openai")

import logfire
from _backend import Spans
from _loop import play
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

if __name__ == "__main__":
    logfire.configure(
        send_to_logfire=False, console=False, additional_span_processors=[SimpleSpanProcessor(Spans())], metrics=False
    )
    logfire.instrument_openai()
    with logfire.span("report"):
        play()

"""A harness of one file, with OpenLLMetry (traceloop-sdk) and no content in its spans."""

HARNESS = "_loop.py"
ENVIRONMENT = "traceloop"
PACKAGES = ("traceloop-sdk>=0.62,<1", "openai", "httpx")

import os

os.environ.setdefault("TRACELOOP_TRACE_CONTENT", "false")
for name in ("TELEMETRY", "METRICS_ENABLED", "LOGGING_ENABLED"):
    os.environ[f"TRACELOOP_{name}"] = "false"
from _backend import Spans
from _loop import play
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import workflow


@workflow(name="report")
def report():
    play()


if __name__ == "__main__":
    Traceloop.init(app_name="reporter", exporter=Spans(), disable_batch=True)
    report()

"""Environment variables that make telemetry lose evidence.

`record` takes spans where the SDK makes them, before limits cut them; what is sent to `collect` or any other receiver
is what is left.
"""

from collections.abc import Iterator, Mapping

from .check import Check
from .instrumentation import INSTRUMENTORS, family
from .interpreter import Installed

CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
WITH_CONTENT = ("SPAN_ONLY", "SPAN_AND_EVENT", "TRUE")
WITHOUT_CONTENT = ("NO_CONTENT", "FALSE")
SENT = "Unset it for what is sent to `harnessfix collect`; `record` takes spans before they are cut."
LEAST_ATTRIBUTES = 1000
LEAST_LENGTH = 1_000_000
COUNTS = {
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": (LEAST_ATTRIBUTES, "long conversations lose their first messages"),
    "OTEL_ATTRIBUTE_COUNT_LIMIT": (LEAST_ATTRIBUTES, "long conversations lose their first messages"),
    "OTEL_SPAN_EVENT_COUNT_LIMIT": (128, "spans lose their first events, exceptions among them"),
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": (32, "events lose attributes"),
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": (32, "log records lose attributes"),
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": (
        LEAST_LENGTH,
        "long messages are cut, and look as if the harness had cut them",
    ),
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": (
        LEAST_LENGTH,
        "long messages are cut, and look as if the harness had cut them",
    ),
    "OTEL_BSP_MAX_QUEUE_SIZE": (512, "spans that come faster than they are exported are dropped"),
}
"""Limit to the smallest value that loses nothing as a rule, and what a smaller one loses."""

SWITCHES = {
    "OTEL_SDK_DISABLED": ("true", "OpenTelemetry records nothing"),
    "OTEL_TRACES_EXPORTER": ("none", "OpenTelemetry spans are exported nowhere"),
    "OPENAI_AGENTS_DISABLE_TRACING": ("1", "openai-agents records nothing, for OpenTelemetry neither"),
    "OPENINFERENCE_HIDE_INPUTS": ("true", "OpenInference spans hold no inputs"),
    "OPENINFERENCE_HIDE_OUTPUTS": ("true", "OpenInference spans hold no outputs"),
    "OPENINFERENCE_HIDE_INPUT_MESSAGES": ("true", "OpenInference spans hold no input messages"),
    "OPENINFERENCE_HIDE_OUTPUT_MESSAGES": ("true", "OpenInference spans hold no output messages"),
    "OPENINFERENCE_HIDE_INPUT_TEXT": ("true", "OpenInference spans hold no texts of input messages"),
    "OPENINFERENCE_HIDE_OUTPUT_TEXT": ("true", "OpenInference spans hold no texts of output messages"),
    "TRACELOOP_TRACE_CONTENT": ("false", "OpenLLMetry spans hold no content"),
}
"""Variable to the value that loses evidence, and what is lost."""


def checks(environment: Mapping[str, str], told: Installed | None) -> Iterator[Check]:
    """What these variables lose.

    Args:
        environment: of the program.
        told: about its interpreter, None when it does not answer.
    """
    yield from _limits(environment)
    yield from _content(environment, told)
    for name, (value, what) in SWITCHES.items():
        if environment.get(name, "").strip().lower() == value:
            yield Check(
                what="content" if "HIDE" in name or "CONTENT" in name else "switches",
                state="loss",
                found=f"{name}={environment[name]}: {what}",
                advice="Unset it while you debug; the probe records the harness all the same.",
            )
    yield from _sampling(environment)


def _limits(environment: Mapping[str, str]) -> Iterator[Check]:
    for name, (least, what) in COUNTS.items():
        value = environment.get(name, "").strip()
        if value.isdecimal() and int(value) < least:
            yield Check(
                what="limits",
                state="loss",
                found=f"{name}={value}: {what}",
                advice=SENT,
            )


def _content(environment: Mapping[str, str], told: Installed | None) -> Iterator[Check]:
    value = environment.get(CONTENT, "").strip()
    if value.upper() in WITH_CONTENT:
        return
    if value.upper() == "EVENT_ONLY":
        yield Check(
            what="content",
            state="note",
            found=f"{CONTENT}={value}: messages are in log events, not in spans",
            advice="Export logs to the receiver, too (OTEL_LOGS_EXPORTER=otlp), or set SPAN_ONLY.",
        )
        return
    if value and value.upper() not in WITHOUT_CONTENT:
        found = f"{CONTENT}={value} is no value that it knows, so messages are left out"
    elif value:
        found = f"{CONTENT}={value}: OpenTelemetry instrumentation leaves messages out"
    elif told is not None and any(family(e, told) == "OpenTelemetry" for e in told.of(INSTRUMENTORS)):
        found = f"{CONTENT} is not set: OpenTelemetry instrumentation leaves messages out by default"
    else:
        return
    yield Check(
        what="content",
        state="loss",
        found=found,
        advice="Set it to SPAN_ONLY for what is sent to `harnessfix collect`; `record` hears them all the same.",
    )


def _sampling(environment: Mapping[str, str]) -> Iterator[Check]:
    sampler = environment.get("OTEL_TRACES_SAMPLER", "").strip() or "parentbased_always_on"
    if "always_on" in sampler:
        return
    share = environment.get("OTEL_TRACES_SAMPLER_ARG", "").strip()
    if "ratio" in sampler and share in ("1", "1.0"):
        return
    part = f" ({share} of them are)" if "ratio" in sampler and share else ""
    yield Check(
        what="sampling",
        state="loss",
        found=f"OTEL_TRACES_SAMPLER={sampler}: not all runs are recorded{part}, and a missing run is no passed one",
        advice="Unset it while you debug.",
    )

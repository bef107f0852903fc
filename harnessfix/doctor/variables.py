"""Environment variables that make telemetry lose evidence.

`record` takes spans where the SDK makes them, before limits, samplers and exporters, and hears what goes over the wire;
what is sent to `collect` or any other receiver is what is left.
"""

from collections.abc import Iterator, Mapping

from .check import Check, Way
from .instrumentation import INSTRUMENTORS, family
from .interpreter import Installed, normal

CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
WITH_CONTENT = ("SPAN_ONLY", "SPAN_AND_EVENT", "TRUE")
WITHOUT_CONTENT = ("NO_CONTENT", "FALSE")
LEAST_ATTRIBUTES = 1000
LEAST_LENGTH = 1_000_000
ATTRIBUTES = "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"
FIRST_LOST = "long conversations lose their first messages"
CUT = "long messages are cut, and look as if the harness had cut them"
COUNTS = {
    ATTRIBUTES: (LEAST_ATTRIBUTES, FIRST_LOST),
    "OTEL_ATTRIBUTE_COUNT_LIMIT": (LEAST_ATTRIBUTES, FIRST_LOST),
    "OTEL_SPAN_EVENT_COUNT_LIMIT": (128, "spans lose their first events, exceptions among them"),
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": (32, "events lose attributes"),
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": (32, "log records lose attributes"),
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": (LEAST_LENGTH, CUT),
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": (LEAST_LENGTH, CUT),
    "OTEL_BSP_MAX_QUEUE_SIZE": (512, "spans that come faster than they are exported are dropped"),
}
"""Limit to the smallest value that loses nothing as a rule, and what a smaller one loses."""

SWITCHES: dict[str, tuple[str, str, Way]] = {
    "OTEL_SDK_DISABLED": ("true", "OpenTelemetry makes no spans; the probe sees the harness without them", ""),
    "OPENAI_AGENTS_DISABLE_TRACING": ("1", "openai-agents makes no spans, for OpenTelemetry neither", ""),
    "OTEL_TRACES_EXPORTER": ("none", "OpenTelemetry spans are exported nowhere", "collect"),
}
"""Variable to the value that loses evidence, what is lost, and in which way of capturing."""

HIDDEN = {
    "OPENINFERENCE_HIDE_INPUTS": ("true", "OpenInference spans hold no inputs"),
    "OPENINFERENCE_HIDE_OUTPUTS": ("true", "OpenInference spans hold no outputs"),
    "OPENINFERENCE_HIDE_INPUT_MESSAGES": ("true", "OpenInference spans hold no input messages"),
    "OPENINFERENCE_HIDE_OUTPUT_MESSAGES": ("true", "OpenInference spans hold no output messages"),
    "OPENINFERENCE_HIDE_INPUT_TEXT": ("true", "OpenInference spans hold no texts of input messages"),
    "OPENINFERENCE_HIDE_OUTPUT_TEXT": ("true", "OpenInference spans hold no texts of output messages"),
    "TRACELOOP_TRACE_CONTENT": ("false", "OpenLLMetry spans hold no content"),
    "LANGSMITH_HIDE_INPUTS": ("true", "LangSmith's spans hold no inputs"),
    "LANGSMITH_HIDE_OUTPUTS": ("true", "LangSmith's spans hold no outputs"),
}
"""Variable to the value that keeps content off spans, and of whose."""

NO_PASS = "and a missing run is no passed one"
RATES = ("LOGFIRE_TRACE_SAMPLE_RATE", "LANGSMITH_TRACING_SAMPLING_RATE")


def checks(environment: Mapping[str, str], told: Installed | None) -> Iterator[Check]:
    """What these variables lose.

    Args:
        environment: of the program.
        told: about its interpreter, None when it does not answer.
    """
    yield from _switches(environment)
    yield from _limits(environment, told)
    yield from _content(environment, told)
    yield from _hidden(environment, told)
    yield from _sampling(environment)


def _is(environment: Mapping[str, str], name: str, value: str) -> bool:
    return environment.get(name, "").strip().lower() == value


def _switches(environment: Mapping[str, str]) -> Iterator[Check]:
    for name, (value, what, way) in SWITCHES.items():
        if _is(environment, name, value):
            yield Check(
                what="switches",
                state="loss",
                found=f"{name}={environment[name]}: {what}",
                advice="Unset it while you debug.",
                way=way,
            )


def _limits(environment: Mapping[str, str], told: Installed | None) -> Iterator[Check]:
    for name, (least, what) in COUNTS.items():
        value = environment.get(name, "").strip()
        if value.isdecimal() and int(value) < least:
            yield Check(what="limits", state="loss", found=f"{name}={value}: {what}", advice="Unset it.", way="collect")
    flat = told is not None and any(family(entry, told) == "OpenInference" for entry in told.of(INSTRUMENTORS))
    if flat and not environment.get(ATTRIBUTES, "").strip() and not environment.get("OTEL_ATTRIBUTE_COUNT_LIMIT"):
        yield Check(
            what="limits",
            state="loss",
            found=f"{ATTRIBUTES} is not set: a span keeps its last 128 attributes, and OpenInference makes several of "
            f"each message, so {FIRST_LOST}",
            advice=f"Set it to {LEAST_ATTRIBUTES * 10}.",
            way="collect",
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
            way="collect",
        )
        return
    if value and value.upper() not in WITHOUT_CONTENT:
        found = f"{CONTENT}={value} is no value that it knows, so messages are left out"
    elif value:
        found = f"{CONTENT}={value}: OpenTelemetry instrumentation leaves messages out"
    elif told is not None and any(_is_genai(entry.package) for entry in told.of(INSTRUMENTORS)):
        found = f"{CONTENT} is not set: OpenTelemetry instrumentation leaves messages out by default"
    else:
        return
    yield Check(what="content", state="loss", found=found, advice="Set it to SPAN_ONLY.", way="collect")


def _is_genai(package: str) -> bool:
    """Whether a package is OpenTelemetry's own instrumentation of models: named `…-genai-…`, before that `…-v2`."""
    name = normal(package)
    own = name.startswith("opentelemetry-instrumentation-")
    return own and (name.endswith("-v2") or "-genai" in name)


def _hidden(environment: Mapping[str, str], told: Installed | None) -> Iterator[Check]:
    set_so = {name: what for name, (value, what) in HIDDEN.items() if _is(environment, name, value)}
    for name, what in set_so.items():
        yield Check(
            what="content",
            state="loss",
            found=f"{name}={environment[name]}: {what}",
            advice="Unset it while you debug.",
            way="collect",
        )
    if told is not None and told.has("logfire") is not None:
        yield Check(
            what="content",
            state="note",
            found="Logfire replaces values that look secret (password, session, auth, …) by `[Scrubbed due to …]`",
            advice="Configure logfire with `scrubbing=False` while you debug: secrets are taken out here, too.",
            way="collect",
        )
    if set_so:
        yield Check(
            what="content",
            state="note",
            found=f"{', '.join(set_so)}: messages are taken from the probe and from the requests to the model instead; "
            "what tools outside the harness were given is told by their spans alone, and is missing",
            advice="Name the package of those tools with --harness.",
            way="record",
        )


def _sampling(environment: Mapping[str, str]) -> Iterator[Check]:
    sampler = environment.get("OTEL_TRACES_SAMPLER", "").strip() or "parentbased_always_on"
    share = environment.get("OTEL_TRACES_SAMPLER_ARG", "").strip()
    whole = "always_on" in sampler or ("ratio" in sampler and share in ("", "1", "1.0"))
    if not whole:
        part = f" ({share} of them are)" if "ratio" in sampler and share else ""
        yield _sampled(f"OTEL_TRACES_SAMPLER={sampler}: not all runs are sent{part}, {NO_PASS}")
    for name in RATES:
        rate = environment.get(name, "").strip()
        if rate and rate not in ("1", "1.0"):
            yield _sampled(f"{name}={rate}: not all runs are sent, {NO_PASS}")
    parent = environment.get("TRACEPARENT", "").strip().split("-")
    if len(parent) == 4 and parent[3][-1:] in tuple("02468ace") and sampler.startswith("parentbased"):
        yield _sampled("TRACEPARENT says that the trace this runs in is not sampled: no span of the program is sent")


def _sampled(found: str) -> Check:
    advice = "Unset it while you debug; `record` takes spans that are not sampled, too, and says how many."
    return Check(what="sampling", state="loss", found=found, advice=advice, way="collect")

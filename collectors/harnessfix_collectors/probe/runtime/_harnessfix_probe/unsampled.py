"""Spans that the program's sampler leaves out, recorded here all the same.

In the place of a span that does nothing, which the SDK gives for one that is not sampled, comes one of a provider that
nobody else sees: of the same ids, with the flag that says "not sampled", and without a processor. What the program
sends along with its requests is what it would have sent, and its exporters get no span more.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar

from .telemetry import Telemetry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_dropped: ContextVar[Any] = ContextVar("harnessfix_dropped")


def keep_unsampled(module: Any, telemetry: Telemetry) -> None:
    """A patch of `opentelemetry.sdk.trace`."""
    tracer: Any = module.Tracer
    start = tracer.start_span
    tracers: dict[str, Any] = {}

    def instead(own: Any, span: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        context = span.get_span_context()
        parent = telemetry.span_id_of(args[0] if args else kwargs.get("context"))
        if not context.is_valid or context.span_id == parent:  # the tracer is switched off, which is no sampling
            return span
        scope = str(getattr(getattr(own, "_instrumentation_scope", None), "name", "") or "")
        if scope not in tracers:
            tracers[scope] = _provider(module, own).get_tracer(scope)
        token = _dropped.set(context)
        try:
            return start(tracers[scope], name, *args, **kwargs)
        finally:
            _dropped.reset(token)

    def start_span(own: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        span = start(own, name, *args, **kwargs)
        if type(span) is module.trace_api.NonRecordingSpan:
            try:
                return instead(own, span, name, args, kwargs)
            except Exception as error:
                telemetry.probe.failed("span that is not sampled", error)
        return span

    tracer.start_span = start_span


def _provider(module: Any, tracer: Any) -> Any:
    """One whose spans are recorded and not sampled, under the ids of the span that was left out."""
    sampling: Any = sys.modules["opentelemetry.sdk.trace.sampling"]
    generator: Any = sys.modules["opentelemetry.sdk.trace.id_generator"]

    class Recording(sampling.Sampler):  # type: ignore[misc]
        def should_sample(
            self, parent_context: Any, trace_id: int, name: str, kind: Any = None, attributes: Any = None, *more: Any
        ) -> Any:
            return sampling.SamplingResult(sampling.Decision.RECORD_ONLY, attributes, _dropped.get().trace_state)

        def get_description(self) -> str:
            return "records what was left out"

    class Same(generator.IdGenerator):  # type: ignore[misc]
        def generate_trace_id(self) -> int:
            return int(_dropped.get().trace_id)

        def generate_span_id(self) -> int:
            return int(_dropped.get().span_id)

        def is_trace_id_random(self) -> bool:
            return bool(getattr(_dropped.get().trace_flags, "random_trace_id", False))

    return module.TracerProvider(
        sampler=Recording(), id_generator=Same(), resource=tracer.resource, shutdown_on_exit=False
    )

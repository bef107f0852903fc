"""A tracer for programs that are instrumented and set no tracer provider: their spans would go nowhere.

It stands behind the API's own proxy, where that would use a tracer that does nothing. No provider is set: one that the
program sets later takes over, as it would without us. Where the SDK is installed the spans are its own, since
instrumentations ask such spans for what the API does not promise; else they are ours, and need the API alone.
"""

from __future__ import annotations

import sys

from .telemetry import KEPT, Telemetry, Telling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def lend_tracer(trace: Any, telemetry: Telemetry) -> None:
    """A patch of `opentelemetry.trace`."""
    proxy = trace.ProxyTracer
    original = proxy._tracer.fget
    makers: list[Any] = []

    def made(name: str) -> Any:
        if not makers:
            makers.append(_sdk_maker() or _tracer_class(trace, telemetry))
        return makers[0](name)

    def chosen(own: Any) -> Any:
        found = original(own)
        if found is not own._noop_tracer:
            return found
        ours = own.__dict__.get("_harnessfix_tracer")
        if ours is None:
            ours = own._harnessfix_tracer = made(str(getattr(own, "_instrumenting_module_name", "")))
        return ours

    proxy._tracer = property(chosen)


def _sdk_maker() -> Any:
    """How the SDK that is installed makes a tracer, of a provider that nobody else sees; None without one."""
    try:
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON

        return TracerProvider(sampler=ALWAYS_ON, shutdown_on_exit=False).get_tracer
    except Exception:  # not installed, or another than we know
        return None


def _tracer_class(trace: Any, telemetry: Telemetry) -> Any:
    span_class = _span_class(trace, telemetry)
    decorators: Any = sys.modules["opentelemetry.util._decorator"]

    class Tracer(trace.Tracer):  # type: ignore[misc]
        def __init__(self, scope: str) -> None:
            self._scope = scope

        def start_span(
            self,
            name: str,
            context: Any = None,
            kind: Any = None,
            attributes: Any = None,
            links: Any = None,
            start_time: int | None = None,
            record_exception: bool = True,
            set_status_on_exception: bool = True,
        ) -> Any:
            parent = trace.get_current_span(context).get_span_context()
            number, trace_id = int(telemetry.probe.new_id(), 16), int(telemetry.probe.trace, 16)
            own = trace.SpanContext(
                parent.trace_id if parent.is_valid else trace_id,
                number,
                is_remote=False,
                trace_flags=trace.TraceFlags(1),
            )
            span = span_class(own)
            told = telemetry.new(f"{number:016x}", str(name), self._scope, attributes)
            setattr(span, KEPT, told)
            if told is not None:
                up = f"{parent.span_id:016x}" if parent.is_valid else None
                telemetry.do(lambda: told.begin(up, sys._getframe(3), start_time))
            return span

        # The API's own parameters in its own order: instrumentations hand them over by position too.
        @decorators._agnosticcontextmanager  # type: ignore[untyped-decorator]
        def start_as_current_span(
            self,
            name: str,
            context: Any = None,
            kind: Any = None,
            attributes: Any = None,
            links: Any = None,
            start_time: int | None = None,
            record_exception: bool = True,
            set_status_on_exception: bool = True,
            end_on_exit: bool = True,
        ) -> Any:
            span = self.start_span(name, context, kind, attributes, links, start_time)
            with trace.use_span(
                span,
                end_on_exit=end_on_exit,
                record_exception=record_exception,
                set_status_on_exception=set_status_on_exception,
            ) as active:
                yield active

    return Tracer


def _span_class(trace: Any, telemetry: Telemetry) -> Any:
    class Span(trace.Span):  # type: ignore[misc]
        def __init__(self, context: Any) -> None:
            self._context = context

        def _tell(self, what: Any) -> None:
            told: Telling | None = getattr(self, KEPT, None)
            if told is not None:
                telemetry.do(lambda: what(told))

        def get_span_context(self) -> Any:
            return self._context

        def is_recording(self) -> bool:
            told = getattr(self, KEPT, None)
            return told is not None and told.open

        def set_attributes(self, attributes: Any) -> None:
            self._tell(lambda told: told.set(attributes))

        def set_attribute(self, key: str, value: Any) -> None:
            self._tell(lambda told: told.set({key: value}))

        def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
            self._tell(lambda told: told.event(str(name), attributes, timestamp))

        def add_link(self, context: Any, attributes: Any = None) -> None:
            return None

        def update_name(self, name: str) -> None:
            self._tell(lambda told: setattr(told, "name", str(name)))

        def set_status(self, status: Any, description: str | None = None) -> None:
            code = getattr(status, "status_code", status)
            words = description or getattr(status, "description", None) or ""
            self._tell(lambda told: setattr(told, "status", (int(code.value), str(words))))

        def record_exception(
            self, exception: BaseException, attributes: Any = None, timestamp: int | None = None, escaped: bool = False
        ) -> None:
            def tell(told: Telling) -> None:
                import traceback

                kind = type(exception)
                given = {
                    "exception.type": kind.__qualname__
                    if kind.__module__ == "builtins"
                    else f"{kind.__module__}.{kind.__qualname__}",
                    "exception.message": str(exception),
                    "exception.stacktrace": "".join(
                        traceback.format_exception(kind, exception, exception.__traceback__)
                    ),
                    "exception.escaped": str(escaped),
                }
                told.event("exception", {**given, **(attributes or {})}, timestamp)

            self._tell(tell)

        def end(self, end_time: int | None = None) -> None:
            self._tell(lambda told: told.end(end_time))

    return Span

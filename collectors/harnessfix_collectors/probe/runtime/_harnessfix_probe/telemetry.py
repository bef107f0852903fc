"""Spans of whatever OpenTelemetry instrumentation the program has, in the same recording as our own steps.

They are seen where the SDK makes them, not by a processor or an exporter: no provider, distro or exporter is replaced,
and what the program's own exporters get is what they would have got, limits and content settings included, while
nothing that an instrumentation says is cut here.
"""

from __future__ import annotations

import sys
from _thread import get_ident

from .jsontext import Json, dumps, quote
from .spans import callers, current, thread_name
from .system import System

FEW, LONG = 20, 500
MOST_BORN = 50_000
MOST = 50_000

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType
    from typing import Any

    from .later import Later
    from .probe import Probe

KEPT = "_harnessfix_told"


class Telling:
    """One span: what it has been told so far, whole.

    Args:
        telemetry: of this process.
        identity: span id, 16 hex digits.
        name, scope: of the span, and of the instrumentation that makes it.
        attributes: that it begins with.
    """

    __slots__ = (
        "_attributes",
        "_begun",
        "_events",
        "_telemetry",
        "attributes",
        "born",
        "id",
        "name",
        "open",
        "sampled",
        "scope",
        "status",
    )

    def __init__(
        self, telemetry: Telemetry, identity: str, name: str, scope: str, attributes: Mapping[str, Any] | None
    ) -> None:
        self._telemetry, self.id, self.name, self.scope = telemetry, identity, name, scope
        self.attributes: dict[str, Any] = dict(attributes or {})
        self._attributes: dict[str, Any] = {}
        self._events: list[tuple[str, int, dict[str, Any]]] = []
        self._begun = False
        self.status: tuple[int, str] = (0, "")
        self.born = telemetry.probe.next_number()
        self.open = self.sampled = True

    def set(self, attributes: Mapping[str, Any]) -> None:
        """More attributes: written soon, as the program may be ended before the span is."""
        if not self.open:
            return
        if not self._begun:
            self.attributes.update(attributes)
            return
        # The SDK's `set_attribute` goes through its `set_attributes`: what came the one way need not come the other.
        known, new, long = self.attributes, self._attributes, False
        for key, value in attributes.items():
            if key not in known or known[key] is not value:
                known[key] = new[key] = value
                long |= type(value) is str and len(value) > LONG
        if new:
            self._wait(long or len(new) >= FEW)

    def event(self, name: str, attributes: Mapping[str, Any] | None, time: int | None) -> None:
        """Something happened in it; `time` is Unix time in nanoseconds."""
        if self.open:
            self._events.append((name, time or System.now(), dict(attributes or {})))
            self._wait(True)

    def _wait(self, full: bool) -> None:
        """Have what is new written before the next line of this process, or now."""
        spool = self._telemetry.probe.spool
        if full:
            self.write()
        elif spool.waiting is not self:
            spool.flush()
            spool.waiting = self

    def write(self) -> None:
        """Write what waits to be written."""
        attributes, self._attributes = self._attributes, {}
        events, self._events = self._events, []
        if not attributes and not events:
            return
        encode, told = self._telemetry.probe.encoder.encode, dict[str, object]()
        if attributes:
            told["attributes"] = Json(encode(attributes))
        if events:
            told["events"] = [{"name": name, "time": at, "attributes": Json(encode(e))} for name, at, e in events]
        self._telemetry.probe.spool.line(f'{{"t":"more","id":"{self.id}","otel":{dumps(told)}}}')

    def forget(self) -> None:
        """What waits is not to be written here."""
        self._attributes, self._events = {}, []

    def begin(self, parent: str | None, frame: FrameType | None, time: int | None = None) -> None:
        """Write that it begins.

        Args:
            parent: id of the span that its instrumentation says it is in.
            frame: of the code that started it.
            time: Unix time in nanoseconds, now when None.
        """
        probe = self._telemetry.probe
        up = self._telemetry.above(parent)
        thread = "" if get_ident() == probe.main_thread else f',"thread":{quote(thread_name())}'
        self._begun = True
        stack = [] if frame is None else callers(frame, probe.places, entered=True)
        otel: dict[str, object] = {"name": self.name, "scope": self.scope}
        otel["attributes"] = Json(probe.encoder.encode(self.attributes))
        if not self.sampled:
            otel["unsampled"] = True
        probe.spool.line(
            f'{{"t":"start","id":"{self.id}","up":{dumps(up)},"otel":{dumps(otel)},"stack":{dumps(stack)},'
            f'"time":{time or System.now()}{thread}}}'
        )

    def end(self, time: int | None = None) -> None:
        """Write how it ended, once."""
        if not self.open:
            return
        self.open = False
        self.write()
        probe = self._telemetry.probe
        told: dict[str, object] = {"name": self.name}
        if self.status[0]:
            told["status"], told["message"] = self.status[0], Json(probe.spool.text(self.status[1]))
        probe.spool.line(f'{{"t":"end","id":"{self.id}","otel":{dumps(told)},"time":{time or System.now()}}}')
        self.attributes = {}


class Telemetry:
    """All spans of this process.

    Args:
        probe: the probe.
    """

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self._born: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self.current_span: Callable[..., Any] | None = None

    def new(self, identity: str, name: str, scope: str, attributes: Mapping[str, Any] | None) -> Telling | None:
        """A span begins to be told; None when there were too many."""
        if not self.one_more("spans"):
            return None
        telling = Telling(self, identity, name, scope, attributes)
        if len(self._born) >= MOST_BORN:
            self._born.clear()
        self._born[identity] = telling.born
        return telling

    def one_more(self, what: str) -> bool:
        """Count spans or log events; whether there are still few enough to be recorded."""
        count = self._counts[what] = self._counts.get(what, 0) + 1
        if count == MOST + 1:
            told = f"only the first {MOST:,} OpenTelemetry {what} of a process are recorded"
            self.probe.spool.write({"t": "trouble", "what": told})
        return count <= MOST

    def nearest(self) -> tuple[str, int] | None:
        """Id and number of the current span, None outside any."""
        if self.current_span is None:
            return None
        told = getattr(self.current_span(), KEPT, None)
        return None if told is None else (told.id, told.born)

    def knows(self, identity: str) -> bool:
        """Whether a span is told here."""
        return identity in self._born

    def span_id_of(self, context: Any) -> int:
        """Number of the current span of a context, of this one when None; 0 outside any."""
        if self.current_span is None:
            return 0
        return int(self.current_span(context).get_span_context().span_id)

    def above(self, parent: str | None) -> str | None:
        """The step that a span is in: its parent or the current step of ours, whichever began later."""
        step = current.get()
        born = self._born.get(parent or "")
        if born is not None and (step is None or step.id is None or born > step.born):
            return parent
        return self.probe.parent if step is None else step.id

    # -- the SDK ---------------------------------------------------------------------------------------------------

    def tell_sdk(self, module: Any) -> None:
        """A patch of `opentelemetry.sdk.trace`: spans tell what they are told."""
        span: Any = module.Span
        make, start, end = span.__init__, span.start, span.end
        set_one, set_many, add_event = span.set_attribute, span.set_attributes, span.add_event
        telemetry = self

        def __init__(own: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 (it replaces one)
            make(own, *args, **kwargs)
            try:
                scope = getattr(getattr(own, "instrumentation_scope", None), "name", "") or ""
                given = kwargs.get("attributes") or own.attributes
                context = own.get_span_context()
                told = telemetry.new(f"{context.span_id:016x}", str(own.name), str(scope), given)
                if told is not None:
                    told.sampled = bool(context.trace_flags.sampled)
                setattr(own, KEPT, told)
            except Exception as error:
                telemetry.probe.failed("span", error)

        def started(own: Any, *args: Any, **kwargs: Any) -> None:
            told = getattr(own, KEPT, None)
            if told is not None:
                telemetry.do(lambda: told.begin(_parent_of(own), sys._getframe(3), kwargs.get("start_time")))
            start(own, *args, **kwargs)

        def set_attribute(own: Any, key: str, value: Any) -> None:
            set_one(own, key, value)
            told = getattr(own, KEPT, None)
            if told is not None:
                telemetry.do(lambda: told.set({key: value}))

        def set_attributes(own: Any, attributes: Any) -> None:
            set_many(own, attributes)
            told = getattr(own, KEPT, None)
            if told is not None:
                telemetry.do(lambda: told.set(attributes))

        def event(own: Any, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
            add_event(own, name, attributes, timestamp)
            told = getattr(own, KEPT, None)
            if told is not None:
                telemetry.do(lambda: told.event(str(name), attributes, timestamp))

        def ended(own: Any, *args: Any, **kwargs: Any) -> None:
            end(own, *args, **kwargs)
            told = getattr(own, KEPT, None)
            if told is not None:
                telemetry.do(lambda: _finish(own, told))

        span.__init__, span.start, span.end = __init__, started, ended
        span.set_attribute, span.set_attributes, span.add_event = set_attribute, set_attributes, event

    def do(self, what: Callable[[], None]) -> None:
        """Do something of ours inside a call of the program; trouble is told and is not the program's."""
        try:
            what()
        except Exception as error:
            self.probe.failed("span", error)


def _finish(span: Any, told: Telling) -> None:
    status = span.status
    told.name = str(span.name)
    told.status = (int(status.status_code.value), str(status.description or ""))
    told.end(span.end_time)


def _parent_of(span: Any) -> str | None:
    parent = span.parent
    return None if parent is None else f"{parent.span_id:016x}"


def watch(probe: Probe, later: Later) -> None:
    """Watch the OpenTelemetry of this process, once the program imports it."""
    telemetry = probe.telemetry = Telemetry(probe)

    def sdk(module: Any) -> None:
        from .unsampled import keep_unsampled

        telemetry.tell_sdk(module)
        keep_unsampled(module, telemetry)

    def api(module: Any) -> None:
        from .fallback import lend_tracer

        telemetry.current_span = module.get_current_span
        lend_tracer(module, telemetry)

    def logs(module: Any) -> None:
        from .log_events import hear_events

        hear_events(module, telemetry)

    def completions(module: Any) -> None:
        from .content import hear_completions

        hear_completions(module, telemetry)

    later.add("opentelemetry.trace", api)
    later.add("opentelemetry.sdk.trace", sdk)
    for name in ("opentelemetry._logs._internal", "opentelemetry._events", "opentelemetry.sdk._logs._internal"):
        later.add(name, logs)
    later.add("opentelemetry.util.genai.completion_hook", completions)

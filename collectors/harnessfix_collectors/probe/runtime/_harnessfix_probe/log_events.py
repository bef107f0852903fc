"""Events that instrumentations send as log records: messages of a model (`gen_ai.user.message`, …), and exceptions.

Heard where the SDK takes them, or the API where nobody does; whoever gets them goes on getting them. Plain log lines
have no event's name and are left alone.
https://github.com/open-telemetry/opentelemetry-python (`opentelemetry._logs`)
"""

from __future__ import annotations

from .jsontext import Json, dumps
from .system import System
from .telemetry import KEPT, Telemetry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def hear_events(module: Any, telemetry: Telemetry) -> None:
    """A patch of the modules of the API and of the SDK whose loggers take records."""
    sdk = module.__name__.startswith("opentelemetry.sdk.")
    for name in ("Logger",) if sdk else ("NoOpLogger", "NoOpEventLogger"):
        if name in vars(module):
            _hear(getattr(module, name), telemetry)


def _hear(kind: Any, telemetry: Telemetry) -> None:
    emit = kind.emit

    def heard(own: Any, *args: Any, **kwargs: Any) -> None:
        emit(own, *args, **kwargs)
        record = args[0] if args else kwargs.get("record", kwargs.get("event"))
        told = kwargs.get if record is None else _fields(getattr(record, "log_record", record))
        telemetry.do(lambda: _keep(told, telemetry))

    kind.emit = heard


def _fields(record: Any) -> Callable[[str], Any]:
    return lambda name: getattr(record, name, None)


def _keep(told: Callable[[str], Any], telemetry: Telemetry) -> None:
    attributes = dict(told("attributes") or {})
    name = told("event_name") or attributes.get("event.name")
    if not name or not telemetry.one_more("log events"):
        return
    body = told("body")
    if isinstance(body, dict):
        attributes = {**body, **attributes}
    elif body is not None:
        attributes["body"] = body
    probe = telemetry.probe
    up = _span(told, telemetry) or probe.up()
    encoded = Json(probe.encoder.encode(attributes))
    line = {"t": "log", "up": up, "name": str(name), "attributes": encoded, "time": told("timestamp") or System.now()}
    probe.spool.line(dumps(line))


def _span(told: Callable[[str], Any], telemetry: Telemetry) -> str | None:
    """Id of the span that a record says it belongs to, None when that is not recorded."""
    number = told("span_id")
    if not number and telemetry.current_span is not None:
        kept = getattr(telemetry.current_span(told("context")), KEPT, None)
        return None if kept is None else str(kept.id)
    name = f"{number or 0:016x}"
    return name if telemetry.knows(name) else None

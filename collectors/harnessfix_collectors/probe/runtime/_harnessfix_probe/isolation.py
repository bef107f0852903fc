"""What one call changed or left behind that is not its own: arguments, the agent's fields, settings, tasks, threads.

A fingerprint is taken at its entry and compared at its end; the value after is written only where they differ.
Containers are held meanwhile and objects are not, so that none of the program's lives longer than it would.
"""

from __future__ import annotations

import sys
from _weakref import ref

from .births import began_in
from .fingerprints import CONTAINERS, can_change, fingerprint
from .jsontext import Json, dumps
from .settings import Surroundings
from .values import dict_of

MOST_RUNS = 50
MOST_TOLD = 40
LONGEST = 200

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .kept import Entry
    from .probe import Probe
    from .spans import Span


class Isolation:
    """One call that is looked at before and after.

    Args:
        probe: the probe.
        number: of the element in the plan.
        arguments: name to value.
        above: the step that it is in.
    """

    __slots__ = ("_agent", "_arguments", "_entry", "_fields", "_probe", "_settings", "_surroundings", "_tasks")

    def __init__(self, probe: Probe, number: int, arguments: dict[str, Any], above: Span | None) -> None:
        self._probe = probe
        self._arguments = {
            name: (get, fingerprint(value))
            for name, value in arguments.items()
            if name not in ("self", "cls") and can_change(value) and (get := _getter(value)) is not None
        }
        self._agent: Callable[[], Any] | None = None
        self._fields: dict[str, int] = {}
        self._entry: Entry | None = None
        self._settings: Any = None
        self._surroundings: Surroundings | None = None
        self._tasks = _tasks() if probe.is_role(number) else None
        if probe.is_agent(number):
            self._begin_agent(number, arguments.get("self"), above)

    def _begin_agent(self, number: int, agent: Any, above: Span | None) -> None:
        self._agent = None if agent is None else _getter(agent)
        self._fields = {} if self._agent is None else {name: fingerprint(value) for name, value in _fields(agent)}
        around = self._around(above)
        if not around and self._probe.runs < MOST_RUNS:
            self._probe.runs += 1
            self._settings = self._probe.settings.snapshot()
            self._surroundings = Surroundings()
        if self._agent is not None and not any(other.is_of(agent) for other in around):
            self._entry = self._probe.kept.begins(agent, number, nested=bool(around))

    def _around(self, above: Span | None) -> list[Isolation]:
        """The calls of agents that this one is in."""
        found = []
        while above is not None:
            if above.isolation is not None and self._probe.is_agent(above.number):
                found.append(above.isolation)
            above = above.above
        return found

    def is_of(self, agent: Any) -> bool:
        """Whether it is a call of this agent."""
        return self._agent is not None and self._agent() is agent

    def asks(self) -> None:
        """A model is asked within the call."""
        agent = None if self._entry is None or self._agent is None else self._agent()
        if self._entry is not None and agent is not None:
            self._entry.asks(agent)

    def entry(self) -> str:
        """JSON members for the first line of the span."""
        if not self._fields:
            return ""
        told = {name: f"{number & 0xFFFFFFFFFFFF:x}" for name, number in self._fields.items()}
        return f',"fields":{dumps(told)}'

    def exit(self, span: Span) -> dict[str, object]:
        """JSON members for the last line of the span."""
        told: dict[str, object] = {}
        changed = self._changed()
        if changed:
            told["changed"] = changed
        if self._settings is not None:
            settings = self._probe.settings.changed(self._settings)
            if settings:
                told["settings"] = settings[:MOST_TOLD]
        if self._surroundings is not None:
            told.update(self._surroundings.changed())
        tasks = [] if self._tasks is None else _left(self._tasks, span)
        if tasks:
            told["tasks"] = [self._task(task) for task in tasks[:MOST_TOLD]]
        agent = None if self._entry is None or self._agent is None else self._agent()
        if self._entry is not None and agent is not None:
            told.update(self._entry.told())
            self._probe.kept.ended(agent, self._entry)
        if span.threads:
            told["threads"] = [{"name": name, "daemon": daemon} for name, daemon in list(span.threads.values())]
        return told

    def _changed(self) -> dict[str, object]:
        """Values after of what differs."""
        encode = self._probe.encoder.encode
        told: dict[str, object] = {}
        for name, (get, before) in self._arguments.items():
            value = get()
            if value is not None and fingerprint(value) != before:
                told[name] = Json(encode(value))
        agent = None if self._agent is None else self._agent()
        for name, value in () if agent is None else _fields(agent):
            if self._fields.get(name) != fingerprint(value):
                told[f"self.{name}"] = Json(encode(value))
        return told

    def _task(self, task: Any) -> dict[str, object]:
        coroutine = task.get_coro()
        code: Any = getattr(coroutine, "cr_code", None)
        place = None if code is None else self._probe.places.get(code.co_filename)
        told: dict[str, object] = {
            "name": str(task.get_name())[:LONGEST],
            "function": str(getattr(coroutine, "__qualname__", "?"))[:LONGEST],
        }
        if place is not None:
            told["at"] = [place, getattr(code, "co_qualname", code.co_name), code.co_firstlineno]
        return told


def _getter(value: Any) -> Callable[[], Any] | None:
    """How to reach a value again at the end; None for an object that takes no weak reference."""
    if type(value) in CONTAINERS:
        return lambda: value
    try:
        return ref(value)
    except TypeError:
        return None


def _fields(value: Any) -> list[tuple[str, Any]]:
    return [(n, v) for n, v in list(dict_of(value).items()) if type(n) is str and n.isidentifier()]


def _tasks() -> set[int] | None:
    """Ids of the running loop's tasks that are not done; None where no loop runs."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or asyncio._get_running_loop() is None:
        return None
    return {id(task) for task in _going(asyncio)}


def _going(asyncio: Any) -> list[Any]:
    """Tasks that are not done, without those that are being cancelled: they end by themselves."""
    return [task for task in asyncio.all_tasks() if not getattr(task, "cancelling", int)()]


def _left(before: set[int], span: Span) -> list[Any]:
    """Tasks that the call began and that go on without it."""
    asyncio = sys.modules["asyncio"]
    if asyncio._get_running_loop() is None:
        return []
    current = asyncio.current_task()
    new = [task for task in _going(asyncio) if id(task) not in before and task is not current]
    return [task for task in new if began_in(task, span)]

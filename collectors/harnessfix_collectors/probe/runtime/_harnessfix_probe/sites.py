"""Spans of single calls: where the function that is called cannot be instrumented, the statement that calls it is."""

from __future__ import annotations

from contextvars import ContextVar

from .jsontext import quote
from .spans import Span
from .values import OPAQUE, given_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .probe import Probe


class Site(Span):
    """One call: it begins when its last argument is known and ends with its result, or with the statement.

    Args:
        probe: the probe.
        number: of the element in the plan.
    """

    __slots__ = ("_called", "_ended", "_silent", "_told", "outer")

    def __init__(self, probe: Probe, number: int) -> None:
        super().__init__(probe, number, {})
        self._told: list[str] = []
        self._called = ""
        self._ended = self._silent = False
        self.outer: Site | None = None

    def __enter__(self) -> Site:
        self.outer = waiting.get()
        waiting.set(self)
        return self

    def called(self, function: Any, owner: Any, alone: bool) -> None:
        """What is called, by its owner's name or its own; `alone` when it takes no arguments."""
        code = getattr(getattr(function, "__func__", function), "__code__", None) if type(function) in _PLAIN else None
        self._silent = code is not None and self.probe.leads_to(self.number, code)
        if self._silent:  # the function tells more
            return
        name = given_name(owner) or given_name(function) or _name_of(function)
        self._called = f',"called":{quote(name)}'
        if alone:
            self._start()

    def given(self, name: str, value: Any, last: bool) -> None:
        """An argument."""
        if self._silent:
            return
        self._told.append(f"{quote(name)}:{self.probe.encoder.encode(value)}")
        if last:
            self._start()

    def _start(self) -> None:
        if self.id is None:
            self._begin(self._told, self._called, 3)

    def answered(self, value: Any) -> None:
        """The call returned: what the rest of the statement does is no part of it."""
        if not self._silent:
            self._value = value
            self._end(None)

    def _end(self, error: BaseException | None) -> None:
        if self.id is not None and not self._ended:
            self._ended = True
            super().__exit__(None, error, None)

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._end(error)
        if waiting.get() is self:
            waiting.set(self.outer)
        self.outer = None


_PLAIN = (type(lambda: None), type(Site._start.__get__(object())))
waiting: ContextVar[Site | None] = ContextVar("harnessfix_site", default=None)


def site_of(number: int) -> Site | None:
    """The call at that site whose arguments are being made, or that is going on; None when it is not recorded."""
    site = waiting.get()
    return site if site is not None and site.number == number else None


def _name_of(function: Any) -> str:
    """The qualified name of a function or class, of an object its class's."""
    kind = type(function)
    name = function.__qualname__ if kind in OPAQUE or issubclass(kind, type) else kind.__qualname__
    return name if type(name) is str else "?"

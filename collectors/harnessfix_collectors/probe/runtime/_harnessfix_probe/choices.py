"""`value or default`: told of where a value was there and false (0, False, an empty list, an object without items).

Nothing of the program is asked whether it is true: that the default is looked at says so. No value is kept.
"""

from __future__ import annotations

from _thread import get_ident

from .jsontext import quote
from .system import System
from .values import type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from .probe import Probe

    T = TypeVar("T")

_TEXTS = (str, bytes)
_SILENT = (type(None), *_TEXTS)
_NUMBERS = (bool, int, float)
_CONTAINERS = (list, tuple, dict, set, frozenset)
_PLAIN = (*_NUMBERS, *_CONTAINERS)


class Choices:
    """The choices that are being made; a thread makes one at a time of each place.

    Args:
        probe: the probe.
    """

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._passed: dict[tuple[int, int], tuple[str, type]] = {}

    def chosen(self, number: int, waits: bool, value: T) -> T:
        """The first value of a choice; `waits` when its default will be told of, too."""
        kind = type(value)
        key = (number, get_ident())
        if (value if kind in _PLAIN else not _may_be_false(kind)) or kind in _SILENT:
            if self._passed:
                self._passed.pop(key, None)
        elif waits:
            self._passed[key] = _told(value), kind
        elif kind in _PLAIN:
            self._tell(number, _told(value), "null")
        return value

    def instead(self, number: int, default: T) -> T:
        """The default of a choice, which is looked at because the first value was false."""
        passed = self._passed.pop((number, get_ident()), None) if self._passed else None
        if passed is not None and _differs(passed[1], default):
            self._tell(number, passed[0], _told(default))
        return default

    def _tell(self, number: int, value: str, default: str) -> None:
        probe = self._probe
        if probe.may("fell", number):
            up = probe.up()
            probe.spool.line(
                f'{{"t":"fell","up":{"null" if up is None else quote(up)},"e":{number},"value":{value},'
                f'"default":{default},"time":{System.now()}}}'
            )


def _may_be_false(kind: type) -> bool:
    """Whether objects of a class can be false at all, those that are texts apart."""
    if issubclass(kind, _TEXTS):
        return False
    return any(
        "__bool__" in base.__dict__ or "__len__" in base.__dict__ for base in type.__dict__["__mro__"].__get__(kind)
    )


def _differs(kind: type, default: Any) -> bool:
    """Whether the default says something else: a number, an object or nothing in place of 0, items in place of none."""
    other = type(default)
    if default is None:
        return kind in (int, float)
    if issubclass(kind, _CONTAINERS) and (other not in _PLAIN or not default):
        return False
    if kind is bool and other is bool:
        return False
    return not (other in _NUMBERS and not default)


def _told(value: Any) -> str:
    """A number and an empty container as they are, of anything else its class."""
    kind = type(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is int and value.bit_length() < 64:
        return repr(value)
    if kind is float and value == value and abs(value) != float("inf"):
        return repr(value)
    if kind is list and not value:
        return "[]"
    if kind is dict and not value:
        return "{}"
    return f'{{"$type":{quote(type_name(kind))}}}'

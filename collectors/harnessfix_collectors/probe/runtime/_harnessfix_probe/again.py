"""Values that can be made again from what is written of them: plain data, and objects that hold nothing else.

Nothing is run to make one: no constructor, no `__setstate__`, no import. An object's class must be loaded already,
under the name that was written, and its fields are put into it as they were.
"""

from __future__ import annotations

import sys

from .values import DEEPEST, MOST_FIELDS, MOST_ITEMS, fields_of, type_name

MOST_NODES = 5000
LONGEST = 1_000_000
_HEAP = 1 << 9  # the flag of classes that were written in Python

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Place = tuple["str | int", ...]


class _Other(Exception):
    """The value is more than its JSON says."""


def tuples_in(value: Any, scrub: Callable[[str], str]) -> list[list[str | int]] | None:
    """Where the value has tuples, which JSON writes as lists; None when it cannot be made again.

    Args:
        value: what was returned.
        scrub: replaces secrets; a text that holds one is written as another.
    """
    found: list[list[str | int]] = []
    try:
        _look(value, (), scrub, found, [MOST_NODES])
    except Exception:  # also what a class does that defends itself
        return None
    return found


def _look(value: Any, at: Place, scrub: Callable[[str], str], found: list[list[str | int]], left: list[int]) -> None:
    kind = type(value)
    left[0] -= 1
    if left[0] < 0 or len(at) >= DEEPEST - 1:
        raise _Other
    if kind is str:
        if len(value) > LONGEST or scrub(value) != value:
            raise _Other
    elif kind is int:
        if value.bit_length() > 900:
            raise _Other
    elif kind is float:
        if value - value != 0:
            raise _Other
    elif kind is list or kind is tuple:
        if kind is tuple:
            found.append([*at])
        if len(value) > MOST_ITEMS:
            raise _Other
        for number, item in enumerate(value):
            _look(item, (*at, number), scrub, found, left)
    elif kind is dict:
        _look_at_fields(list(value.items()), at, scrub, found, left, MOST_ITEMS)
    elif value is not None and kind is not bool:
        if _class_named(type_name(kind)) is not kind:
            raise _Other
        names = _names_of(kind)
        fields = list(zip(names, tuple.__iter__(value))) if names is not None else list(fields_of(value, kind))
        if names is None and (not _is_plain(kind) or any(name[:1] == "_" for name, _ in fields)):
            raise _Other
        _look_at_fields(fields, at, scrub, found, left, MOST_FIELDS)


def _look_at_fields(
    fields: list[tuple[Any, Any]],
    at: Place,
    scrub: Callable[[str], str],
    found: list[list[str | int]],
    left: list[int],
    most: int,
) -> None:
    if len(fields) > most:
        raise _Other
    for name, item in fields:
        if type(name) is not str or name[:1] == "$" or scrub(name) != name:
            raise _Other
        _look(item, (*at, name), scrub, found, left)


def _names_of(kind: type) -> tuple[str, ...] | None:
    """The fields of a named tuple's class; None for any other."""
    names = kind.__dict__.get("_fields") if kind.__bases__ == (tuple,) else None
    return names if type(names) is tuple else None


def _is_plain(kind: type) -> bool:
    """Whether instances are fields and nothing else: the class and all above it were written in Python."""
    return kind is not object and type(kind) is type and all(base.__flags__ & _HEAP for base in kind.__mro__[:-1])


def make(told: Any, tuples: list[list[str | int]]) -> Any:
    """The value again.

    Args:
        told: what was written, as JSON has it.
        tuples: from `tuples_in`.

    Raises:
        LookupError: a class of it is not loaded here, or is another one now.
    """
    return _made(told, (), {tuple(place) for place in tuples})


def _made(told: Any, at: Place, tuples: set[Place]) -> Any:
    if type(told) is list:
        items = [_made(item, (*at, number), tuples) for number, item in enumerate(told)]
        return tuple(items) if at in tuples else items
    if type(told) is not dict:
        return told
    fields = {name: _made(item, (*at, name), tuples) for name, item in told.items() if name != "$type"}
    if "$type" not in told:
        return fields
    kind = _class_named(str(told["$type"]))
    names = None if kind is None else _names_of(kind)
    if kind is not None and names is not None and names == tuple(fields):
        return tuple.__new__(kind, fields.values())
    if kind is None or names is not None or not _is_plain(kind):
        raise LookupError(f"{told['$type']} is not loaded, or is another class now")
    value: Any = object.__new__(kind)
    for name, field in fields.items():
        object.__setattr__(value, name, field)
    return value


def _class_named(name: str) -> type | None:
    """The class of that dotted name in the modules that are loaded; nothing is asked that could run code."""
    parts = name.split(".")
    for size in range(len(parts) - 1, 0, -1):
        module = sys.modules.get(".".join(parts[:size]))
        found: Any = None if module is None else object.__getattribute__(module, "__dict__").get(parts[size])
        for part in parts[size + 1 :]:
            found = found.__dict__.get(part) if isinstance(found, type) else None
        if isinstance(found, type):
            return found
    return None

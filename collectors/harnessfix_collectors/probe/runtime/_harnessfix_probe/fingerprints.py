"""A number that stands for a value, so that it can be told later whether the value is still the same.

Nothing is written and no code of the program is called; texts lend the hash that they keep. Comparable within one
process only.
"""

from __future__ import annotations

import marshal

from .values import OPAQUE, fields_of

DEEPEST = 6
MOST_NODES = 5000
PLAIN = 0  # the form of `marshal` in which equal values are equal bytes: no references, nothing interned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CONTAINERS = (dict, list, set, bytearray)
_PLAIN = (str, int, float, bool, bytes, complex, type(None))


def fingerprint(value: Any) -> int:
    """The same number for the same content; of objects, beyond a depth and a size, only what was reached counts."""
    try:
        return hash(marshal.dumps(value, PLAIN))
    except ValueError:  # not made of built-in values alone
        return _Pass().of(value, 0)


def size(value: Any) -> int | None:
    """How many items a container holds, None for anything else."""
    return len(value) if type(value) in CONTAINERS else None


def can_change(value: Any) -> bool:
    """Whether a value may have another content later: containers and objects with fields."""
    kind = type(value)
    return not issubclass(kind, (*_PLAIN, type, *OPAQUE))


class _Pass:
    __slots__ = ("above", "nodes")

    def __init__(self) -> None:
        self.nodes = MOST_NODES
        self.above: set[int] = set()

    def of(self, value: Any, depth: int) -> int:
        kind = type(value)
        if kind in _PLAIN:
            return hash((kind, value))
        self.nodes -= 1
        if self.nodes < 0 or depth >= DEEPEST or id(value) in self.above:
            return hash(kind.__name__)
        if issubclass(kind, (type, *OPAQUE)):
            return id(value)
        self.above.add(id(value))
        try:
            return hash((kind.__name__, *self._inside(value, kind, depth + 1)))
        finally:
            self.above.discard(id(value))

    def _inside(self, value: Any, kind: type, depth: int) -> list[int]:
        if issubclass(kind, dict):
            pairs = list(dict.items(value))[: self.nodes]
            return [part for key, item in pairs for part in (self.of(key, depth), self.of(item, depth))]
        for sequence in (list, tuple):
            if issubclass(kind, sequence):
                return [self.of(item, depth) for item in list(sequence.__iter__(value))[: self.nodes]]
        for unordered in (set, frozenset):
            if issubclass(kind, unordered):
                return sorted(self.of(item, depth) for item in list(unordered.__iter__(value))[: self.nodes])
        if issubclass(kind, bytearray):
            return [hash(bytes(value))]
        for plain in (str, bytes, int, float):
            if issubclass(kind, plain):
                return [hash(plain.__hash__(value))]
        fields = [(name, field) for name, field in fields_of(value, kind) if type(name) is str]
        return [part for name, field in fields for part in (hash(name), self.of(field, depth))]

"""Python values as JSON, without calling any code of the program: no `__repr__`, no property, no iterator."""

from __future__ import annotations

import marshal
import sys

from .jsontext import quote

DEEPEST = 8
MOST_ITEMS = 5000
MOST_FIELDS = 60
MOST_NODES = 20_000
MOST_OBJECTS = 300
LONG, BLOCK, LARGE, MOST_KNOWN = 4, 16, 20_000, 5000
MORE = ',"more":true'
SIGNS = frozenset(("$", "$list", "$value", "$plain", "$left_out"))
_PLAIN_TEXT = ("pathlib", "datetime", "decimal", "uuid", "fractions", "ipaddress", "re")
_MACHINERY = ("logging", "threading", "asyncio", "socket", "ssl", "concurrent", "contextlib", "functools", "weakref")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .spool import Spool


class _Sample:
    """Lends the types of methods and of instance dictionaries."""

    def method(self) -> None:
        """Nothing."""


class _Slotted:
    """Lends the type of slots."""

    __slots__ = ("slot",)


OPAQUE = (type(sys), type(_Sample.method), type(len), type(_Sample().method))
_DICTIONARY = type(_Sample.__dict__["__dict__"])
_SLOT = type(_Slotted.__dict__["slot"])
# What a class inherits and what stands in it, whatever its metaclass would answer.
_bases_of = type.__dict__["__mro__"].__get__
_inside_of = type.__dict__["__dict__"].__get__


class Encoder:
    """Encodes values for one spool.

    Args:
        spool: where long texts and shared lists go.
    """

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.forget()

    def forget(self) -> None:
        """The spool began anew: what is known to be written is not in it."""
        self._known: dict[tuple[int, int, int], str] = {}
        self._history = History()

    def encode(self, value: Any) -> str:
        """`value` as JSON; what cannot be told is named by its class, what is too much is said to be left out."""
        try:
            return _Pass(self.spool, self._known, self._history).encode(value, 0)
        except Exception:  # changed by another thread while we looked, or a class that defends itself
            return _named(type(value), more=True)


class _Pass:
    """One value on its way to JSON: what it may still cost, and which objects it is inside of."""

    __slots__ = ("above", "history", "known", "nodes", "objects", "spool")

    def __init__(self, spool: Spool, known: dict[tuple[int, int, int], str], history: History) -> None:
        self.spool, self.known, self.history = spool, known, history
        self.nodes, self.objects = MOST_NODES, MOST_OBJECTS
        self.above: set[int] = set()

    def encode(self, value: Any, depth: int) -> str:
        kind = type(value)
        if kind is str:
            return self.spool.text(value)
        if value is None:
            return "null"
        if kind is bool:
            return "true" if value else "false"
        if kind is int:
            return _integer(value)
        if kind is float:
            return _real(value)
        self.nodes -= 1
        if self.nodes < 0 or depth >= DEEPEST or id(value) in self.above:
            return self._scalar(value, kind) or _named(kind, more=True)
        scalar = self._scalar(value, kind)
        if scalar is not None:
            return scalar
        self.above.add(id(value))
        try:
            return self._inside(value, kind, depth + 1)
        finally:
            self.above.discard(id(value))

    def _scalar(self, value: Any, kind: type) -> str | None:
        """Values without parts that are not quite plain: subclasses of plain types, bytes, classes, functions."""
        if kind is dict or kind is list or kind is tuple:
            return None
        if issubclass(kind, str):
            return self.spool.text(str.__str__(value))
        if issubclass(kind, int):
            return _integer(int.__int__(value))
        if issubclass(kind, float):
            return _real(float.__float__(value))
        if issubclass(kind, (bytes, bytearray)):
            return self.spool.text(bytes(value).decode("utf-8", "replace"))
        if issubclass(kind, type):
            return f'{{"$type":"type","name":{quote(type_name(value))}}}'
        if issubclass(kind, OPAQUE):
            name = getattr(value, "__qualname__", None) or getattr(value, "__name__", "?")
            return f'{{"$type":{quote(kind.__name__)},"name":{quote(name if type(name) is str else "?")}}}'
        return None

    def _inside(self, value: Any, kind: type, depth: int) -> str:
        if issubclass(kind, dict):
            return self._pairs(list(dict.items(value)), depth, "")
        if issubclass(kind, list):
            return self._items(list(list.__iter__(value)), depth)
        if issubclass(kind, tuple):
            return self._tuple(value, kind, depth)
        if issubclass(kind, (set, frozenset)):
            plain = set if issubclass(kind, set) else frozenset
            return self._items(list(plain.__iter__(value)), depth)
        if issubclass(kind, BaseException):
            arguments = BaseException.__dict__["args"].__get__(value)
            return f'{{"$type":{quote(type_name(kind))},"args":{self.encode(arguments, depth)}}}'
        module = _module(kind).partition(".")[0]
        if module in _PLAIN_TEXT:
            return self.spool.text(str(value))
        if module in _MACHINERY:
            return _named(kind)
        return self._object(value, kind, depth)

    def _object(self, value: Any, kind: type, depth: int) -> str:
        enumeration = sys.modules.get("enum")
        if enumeration is not None and issubclass(kind, enumeration.Enum):
            return self.encode(dict_of(value).get("_value_"), depth)
        self.objects -= 1
        if self.objects < 0:
            return _named(kind, more=True)
        fields = [(name, field) for name, field in fields_of(value, kind) if type(name) is str and name[:1] != "_"]
        return self._pairs(fields or _hidden(value, kind), depth, f'"$type":{quote(type_name(kind))}', MOST_FIELDS)

    def _tuple(self, value: Any, kind: type, depth: int) -> str:
        items = list(tuple.__iter__(value))
        names = _inside_of(kind).get("_fields") if kind is not tuple else None
        if type(names) is tuple and len(names) == len(items) and all(type(name) is str for name in names):
            return self._pairs(list(zip(names, items)), depth, f'"$type":{quote(type_name(kind))}')
        return self._items(items, depth)

    def _pairs(self, pairs: list[tuple[Any, Any]], depth: int, first: str, most: int = MOST_ITEMS) -> str:
        told = [first] if first else []
        for key, item in pairs[:most]:
            told.append(f"{self._key(key)}:{self.encode(item, depth)}")
        if len(pairs) > most:
            told.append(f'"$left_out":{len(pairs) - most}')
        text = f"{{{','.join(told)}}}"
        if not first and any(type(key) is str and key in SIGNS for key, _ in pairs[:most]):
            text = f'{{"$plain":{text}}}'  # the program's own keys, which mean nothing here
        return self.spool.value(text)

    def _key(self, key: Any) -> str:
        kind = type(key)
        if kind is str:
            return quote(self.spool.scrub(key) if len(key) > 7 else key)
        if key is None or kind is bool or kind is int or kind is float:
            return quote(str(key))
        if issubclass(kind, str):
            return quote(self.spool.scrub(str.__str__(key)))
        return quote(type_name(kind))

    def _again(self, item: Any, depth: int) -> str:
        """An item of a long list, which mostly was in the list before: its JSON is kept, known by its content."""
        if type(item) is not dict:
            return self.encode(item, depth)
        try:
            content = marshal.dumps(item, 0)
        except ValueError:  # not made of built-in values alone
            return self.encode(item, depth)
        key = (hash(content), len(content), depth)
        told = self.known.get(key)
        if told is None:
            told = self.encode(item, depth)
            if MORE not in told and len(told) <= LARGE:
                if len(self.known) >= MOST_KNOWN:
                    self.known.clear()
                self.known[key] = told
        return told

    def _items(self, items: list[Any], depth: int) -> str:
        self.nodes -= len(items) // 8
        if len(items) < LONG:
            return f"[{','.join([self.encode(item, depth) for item in items])}]"
        return self._long(items, *self.history.begun(items, depth), depth)

    def _long(self, items: list[Any], start: int, before: int, new: list[int], depth: int) -> str:
        """A long list from its place `start` on; `new` are names of the blocks that follow, whose keys are kept."""
        told = [self._again(item, depth) for item in items[start:MOST_ITEMS]]
        if len(items) > MOST_ITEMS:
            told.append(f'{{"$left_out":{len(items) - MOST_ITEMS}}}')
        found = self.spool.shared(told, before)
        if found is None:
            return self._long(items, 0, 0, [], depth)
        for number, name in enumerate(new, 1):
            block = told[(number - 1) * BLOCK : number * BLOCK]
            if len(block) < BLOCK or any(MORE in item for item in block):
                break
            self.history.keep(name, found[1][number * BLOCK - 1])
        return found[0]


class History:
    """The beginnings of long lists that were written: a history is handed on in every step, a little longer each time.

    A beginning is known by its content, in blocks, so that nothing is kept alive and what was changed meanwhile is new.
    """

    def __init__(self) -> None:
        self._keys: dict[int, int] = {}

    def begun(self, items: list[Any], depth: int) -> tuple[int, int, list[int]]:
        """How many items are written, the key that the spool has for them, and names for the blocks that follow."""
        start, before, name = 0, 0, depth
        new: list[int] = []
        for place in range(0, min(len(items), MOST_ITEMS) - BLOCK + 1, BLOCK):
            try:
                content = marshal.dumps(items[place : place + BLOCK], 0)
            except ValueError:  # not made of built-in values alone
                break
            name = hash((name, hash(content), len(content)))
            key = None if new else self._keys.get(name)
            if key is None:
                new.append(name)
            else:
                start, before = place + BLOCK, key
        return start, before, new

    def keep(self, name: int, key: int) -> None:
        """The list that ends with this block has that key in the spool."""
        if len(self._keys) >= MOST_KNOWN:
            self._keys.clear()
        self._keys[name] = key


def type_name(kind: type) -> str:
    """`module.Class`, whatever the class's metaclass says."""
    return f"{_module(kind)}.{type.__dict__['__qualname__'].__get__(kind)}"


def class_name(value: Any) -> str:
    """Name of the class of `self`, or of `cls` itself."""
    kind = value if issubclass(type(value), type) else type(value)
    return str(type.__dict__["__qualname__"].__get__(kind))


def _module(kind: type) -> str:
    module = type.__dict__["__module__"].__get__(kind)
    return module if type(module) is str else "?"


def _named(kind: type, more: bool = False) -> str:
    return f'{{"$type":{quote(type_name(kind))}{MORE if more else ""}}}'


def _integer(value: int) -> str:
    bits = value.bit_length()
    return repr(value) if bits <= 1000 else f'{{"$type":"int","bits":{bits}}}'


def _real(value: float) -> str:
    return repr(value) if value - value == 0 else f'{{"$type":"float","value":"{value!r}"}}'


def dict_of(value: Any) -> dict[Any, Any]:
    """The instance dictionary, past any `__dict__` that the class defines itself."""
    for base in _bases_of(type(value)):
        found = _inside_of(base).get("__dict__")
        if found is not None and type(found) is _DICTIONARY:
            try:
                inside = found.__get__(value)
            except AttributeError:  # a proxy in C answers for what it stands for, which may have none
                return {}
            return inside if type(inside) is dict else {}
    return {}


def fields_of(value: Any, kind: type) -> Iterable[tuple[Any, Any]]:
    """Slots and instance dictionary, as name and value."""
    for base in _bases_of(kind):
        inside = _inside_of(base)
        for name, slot in inside.items() if "__slots__" in inside else ():
            if type(slot) is _SLOT:
                try:
                    field = slot.__get__(value)
                except AttributeError:
                    continue
                if name == "__pydantic_extra__" and type(field) is dict:  # fields that its class does not declare
                    yield from list(field.items())
                yield name, field
    yield from list(dict_of(value).items())


def _hidden(value: Any, kind: type) -> list[tuple[Any, Any]]:
    """Declared fields of a data class all of whose names begin with an underscore, without that."""
    for base in _bases_of(kind):
        declared = _inside_of(base).get("__dataclass_fields__")
        if type(declared) is dict:
            names = {name for name in declared if type(name) is str}
            found = [(name, field) for name, field in fields_of(value, kind) if type(name) is str and name in names]
            return [(name[1:] if name[1:2].isalpha() else name, field) for name, field in found]
    return []


def given_name(value: Any) -> str | None:
    """The `name` that an object or its class has been given, as tools are; nothing of the program is asked for it."""
    kind = type(value)
    if value is None or kind in OPAQUE or issubclass(kind, type):
        return None
    name = dict_of(value).get("name")
    for base in _bases_of(kind):
        name = _inside_of(base).get("name") if name is None else name
    return name if type(name) is str else None

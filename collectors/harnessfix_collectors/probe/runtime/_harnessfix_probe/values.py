"""Python values as JSON, without calling any code of the program: no `__repr__`, no properties, no iteration of its types."""

import enum
import types

DEEPEST = 8
MOST_ITEMS = 5000
MOST_FIELDS = 60
_PLAIN = (type(None), bool, int, float)
_OPAQUE = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType, type)
_STANDARD = ("pathlib", "datetime", "decimal", "uuid", "fractions", "ipaddress", "re")


class Encoder:
    """Encodes values for one spool.

    Args:
        text: function from text to what stands for it in a line.
    """

    def __init__(self, text):
        self.text = text

    def encode(self, value):
        """`value` as JSON; what cannot be told is named by its class."""
        return self._encode(value, 0, set())

    def _encode(self, value, depth, above):
        kind = type(value)
        if kind is str:
            return self.text(value)
        if kind in _PLAIN:
            return self._number(value)
        if isinstance(value, enum.Enum):
            return self._encode(value.__dict__.get("_value_"), depth, above)
        if isinstance(value, str):
            return self.text(str.__str__(value))
        if isinstance(value, (bytes, bytearray)):
            return self.text(bytes(value).decode("utf-8", "replace"))
        if isinstance(value, _OPAQUE):
            name = getattr(value, "__qualname__", None) or getattr(value, "__name__", "?")
            return {"$type": kind.__name__, "name": name if type(name) is str else "?"}
        if depth >= DEEPEST or id(value) in above:
            return {"$type": self._name(kind), "more": True}
        above.add(id(value))
        try:
            return self._inside(value, kind, depth + 1, above)
        except RuntimeError:  # changed by another thread while we looked
            return {"$type": self._name(kind), "more": True}
        finally:
            above.discard(id(value))

    def _inside(self, value, kind, depth, above):
        if isinstance(value, dict):
            return self._pairs(list(dict.items(value)), depth, above)
        if isinstance(value, (list, tuple)):
            items = list(tuple.__iter__(value) if isinstance(value, tuple) else list.__iter__(value))
            return self._items(items, depth, above)
        if isinstance(value, (set, frozenset)):
            return self._items(list(value), depth, above)
        if isinstance(value, BaseException):
            return {
                "$type": self._name(kind),
                "args": self._encode(BaseException.__dict__["args"].__get__(value), depth, above),
            }
        if kind.__module__.partition(".")[0] in _STANDARD:
            return self.text(str(value))
        fields = self._fields(value)
        if fields is None:
            return {"$type": self._name(kind)}
        pairs = [(name, field) for name, field in fields if type(name) is str and not name.startswith("_")]
        return dict({"$type": self._name(kind)}, **self._pairs(pairs[:MOST_FIELDS], depth, above))

    def _pairs(self, pairs, depth, above):
        told = {
            (
                key if type(key) is str else "%s" % (key,) if type(key) in _PLAIN else self._name(type(key))
            ): self._encode(item, depth, above)
            for key, item in pairs[:MOST_ITEMS]
        }
        if len(pairs) > MOST_ITEMS:
            told["$left_out"] = len(pairs) - MOST_ITEMS
        return told

    def _items(self, items, depth, above):
        told = [self._encode(item, depth, above) for item in items[:MOST_ITEMS]]
        if len(items) > MOST_ITEMS:
            told.append({"$left_out": len(items) - MOST_ITEMS})
        return told

    @staticmethod
    def _number(value):
        if type(value) is float and (value != value or value in (float("inf"), float("-inf"))):
            return {"$type": "float", "value": "%r" % value}
        if type(value) is int and value.bit_length() > 1000:
            return {"$type": "int", "bits": value.bit_length()}
        return value

    @staticmethod
    def _fields(value):
        try:
            found = object.__getattribute__(value, "__dict__")
        except AttributeError:
            found = None
        if type(found) is dict:
            return list(found.items())
        slots = [
            slot for base in type(value).__mro__ for slot in base.__dict__.get("__slots__", ()) if type(slot) is str
        ]
        pairs = []
        for slot in slots:
            try:
                pairs.append((slot, object.__getattribute__(value, slot)))
            except AttributeError:
                continue
        return pairs or None

    @staticmethod
    def _name(kind):
        return "%s.%s" % (kind.__module__, kind.__qualname__)


def class_name(value):
    """Name of the class of `self`, or of `cls` itself."""
    return value.__qualname__ if isinstance(value, type) else type(value).__qualname__

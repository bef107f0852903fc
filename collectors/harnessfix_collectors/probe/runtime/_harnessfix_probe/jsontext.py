"""JSON text by hand: the `json` package would load `re` into programs that do without."""

from __future__ import annotations

try:
    from _json import encode_basestring_ascii as quote
except ImportError:  # not CPython
    from json.encoder import encode_basestring_ascii as quote

__all__ = ["Json", "dumps", "quote"]


class Json(str):
    """Text that is JSON already."""

    __slots__ = ()


def dumps(value: object) -> str:
    """JSON of plain values (`None`, bool, int, str, list, tuple, dict with str keys); `Json` goes in as it is."""
    if isinstance(value, Json):
        return value
    if isinstance(value, str):
        return quote(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return repr(value)
    if isinstance(value, dict):
        return "{" + ",".join([f"{quote(key)}:{dumps(item)}" for key, item in value.items()]) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([dumps(item) for item in value]) + "]"
    raise TypeError(f"no plain value: {type(value).__name__}")

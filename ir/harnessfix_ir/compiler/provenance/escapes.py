"""Escapes of JSON strings replaced by what they stand for, byte for byte, so that offsets stay comparable."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CONTROL = re.compile(rb"\\[nrtbf]")
_LENGTH = 6
_SPACE, _NOTHING = 0x20, 0x110000  # the latter is no character
_CHUNK = 1 << 12
_HIGH, _LOW, _SURROGATES_END = 0xD800, 0xDC00, 0xE000


def unescaped(text: str) -> bytes:
    """UTF-8 of a text in which each escape is what it stands for, padded with spaces to its length."""
    data = text.encode("utf-8", "surrogatepass")
    if b"\\" not in data:
        return data
    if b"\\u" in data:
        data = _without_unicode_escapes(data)
    return _CONTROL.sub(b"  ", data)


def _without_unicode_escapes(data: bytes) -> bytes:
    """The bytes with every `\\uXXXX`, and every pair of them that is one character, replaced by UTF-8."""
    import numpy as np

    out = np.frombuffer(data, dtype=np.uint8).copy()
    at = np.flatnonzero((out[:-1] == ord("\\")) & (out[1:] == ord("u"))).astype(np.int32)
    at = at[at + _LENGTH <= len(out)]
    units = np.concatenate([_units(out, some) for some in _chunks(at)] or [at])
    at, units = at[units < _NOTHING], units[units < _NOTHING]
    high = (units >= _HIGH) & (units < _LOW)
    low = (units >= _LOW) & (units < _SURROGATES_END)
    first = np.flatnonzero(high[:-1] & low[1:] & (at[1:] == at[:-1] + _LENGTH))
    units[first] = 0x10000 + ((units[first] - _HIGH) << 10) + (units[first + 1] - _LOW)
    units[first + 1] = _NOTHING
    for some, characters in zip(_chunks(at), _chunks(units)):
        _put(out, some, characters)
    return out.tobytes()


def _chunks(values: "NDArray[Any]") -> "list[NDArray[Any]]":
    """The values some at a time: what is made for each of them then stays small."""
    return [values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK)]


def _units(data: "NDArray[Any]", at: "NDArray[Any]") -> "NDArray[Any]":
    """The numbers in escapes that begin at these places, more than any character has for what is none."""
    table = _hex_table()
    number = table.take(data.take(at + 2))
    for digit in range(3, _LENGTH):
        number = number << 4 | table.take(data.take(at + digit))
    return number


def _put(out: "NDArray[Any]", at: "NDArray[Any]", characters: "NDArray[Any]") -> None:
    """Write the UTF-8 of characters (surrogates too) over their escapes, and spaces over what is left of these."""
    for byte in range(_LENGTH):
        out[at + byte] = _SPACE
    limits = (0, 0x80, 0x800, 0x10000, _NOTHING)
    for length in range(1, 5):
        chosen = (characters >= limits[length - 1]) & (characters < limits[length])
        if chosen.any():
            left, first = characters[chosen], at[chosen]
            for back in range(length - 1, 0, -1):
                out[first + back] = 0x80 | left & 0x3F
                left = left >> 6
            out[first] = left if length == 1 else (0xF00 >> length) & 0xFF | left


@lru_cache(maxsize=1)
def _hex_table() -> "NDArray[Any]":
    """Value of every byte as a hexadecimal digit; for those that are none, one that makes any number too large."""
    import numpy as np

    table = np.full(256, _NOTHING, dtype=np.int32)
    for digit in b"0123456789abcdefABCDEF":
        table[digit] = int(chr(digit), 16)
    return table

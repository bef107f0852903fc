"""Escapes of JSON strings replaced by what they stand for, byte for byte, so that offsets stay comparable."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CONTROL = re.compile(rb"\\[nrtbf]")
_LENGTH = 6
_SPACE = 0x20
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
    at = np.flatnonzero((out[:-1] == ord("\\")) & (out[1:] == ord("u")))
    at = at[at + _LENGTH <= len(out)].astype(np.int32)
    units, valid = np.zeros(len(at), np.int32), np.ones(len(at), bool)
    for place in range(2, _LENGTH):
        digit = _hex_table()[out[at + place]]
        valid &= digit < 16
        units = units * 16 + digit
    at, units = at[valid], units[valid]
    for place in range(_LENGTH):
        out[at + place] = _SPACE
    high = (units >= _HIGH) & (units < _LOW)
    low = (units >= _LOW) & (units < _SURROGATES_END)
    first = np.flatnonzero(high[:-1] & low[1:] & (at[1:] == at[:-1] + _LENGTH))
    units[first] = 0x10000 + ((units[first] - _HIGH) << 10) + (units[first + 1] - _LOW)
    alone = np.ones(len(at), dtype=bool)
    alone[first + 1] = False
    _write_utf8(out, at[alone], units[alone])
    return out.tobytes()


def _write_utf8(out: "NDArray[Any]", at: "NDArray[Any]", characters: "NDArray[Any]") -> None:
    """Write characters (surrogates too) as UTF-8 into `out` from the places `at` on."""
    limits = (0, 0x80, 0x800, 0x10000, 0x110000)
    for length in range(1, 5):
        chosen = (characters >= limits[length - 1]) & (characters < limits[length])
        places, left = at[chosen], characters[chosen]
        for back in range(length - 1, 0, -1):
            out[places + back] = 0x80 | left & 0x3F
            left = left >> 6
        out[places] = left if length == 1 else (0xF00 >> length) & 0xFF | left


@lru_cache(maxsize=1)
def _hex_table() -> "NDArray[Any]":
    """Value of every byte as a hexadecimal digit, 16 for those that are none."""
    import numpy as np

    table = np.full(256, 16, dtype=np.uint8)
    for digit in b"0123456789abcdefABCDEF":
        table[digit] = int(chr(digit), 16)
    return table

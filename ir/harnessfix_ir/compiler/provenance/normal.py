"""The normalised form of a text: its letters and digits, lower-cased, as UTF-8 bytes.

Whitespace, punctuation and the escapes of JSON strings go, so that a text and its re-wrapped, quoted, re-indented or
JSON-escaped form are the same bytes. Escapes are replaced byte for byte, which keeps offsets comparable.
"""

import re
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from .records import Leaf, leaves_of, record_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DIGITS = b"0123456789"
_KEPT = frozenset(_DIGITS + b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" + bytes(range(0x80, 0x100)))
_LOWER = bytes(range(256)).lower()
_DROPPED = bytes(sorted(set(range(256)) - _KEPT))
_CONTROL = re.compile(rb"\\[nrtbf]")
_UNICODE = re.compile(rb"(?:\\u[0-9a-fA-F]{4})+")
_ESCAPED_LENGTH = 6


def normalise(text: str) -> bytes:
    """Letters and digits of a text, lower-cased, as UTF-8; every non-ASCII character counts as a letter."""
    return _unescaped(text).translate(_LOWER, _DROPPED)


def _unescaped(text: str) -> bytes:
    """UTF-8 of a text with the escapes of JSON strings replaced by what they stand for, padded to their length."""
    data = text.encode("utf-8", "surrogatepass")
    if b"\\" not in data:
        return data
    if b"\\u" in data:
        data = _UNICODE.sub(_characters, data)
    return _CONTROL.sub(b"  ", data)


def _characters(match: re.Match[bytes]) -> bytes:
    units = bytes.fromhex(match.group().replace(b"\\u", b"").decode("ascii"))
    found = []
    for character in units.decode("utf-16-be", "surrogatepass"):
        length = _ESCAPED_LENGTH if character <= "\uffff" else 2 * _ESCAPED_LENGTH
        found.append(character.encode("utf-8", "surrogatepass").ljust(length))
    return b"".join(found)


class Normal:
    """One text beside its normalised form, with the way back from the one to the other."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.data = normalise(text)
        self._offsets: NDArray[np.int64] | None = None

    @cached_property
    def record(self) -> str | None:
        """The JSON value that the text is, in one fixed spelling."""
        return record_of(self.text)

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        """The strings of the JSON value that the text is, longest first."""
        return leaves_of(self.text)

    def offset(self, position: int) -> int:
        """Character offset in the text of the normalised byte at `position`."""
        return int(self.offsets()[position])

    def range(self, start: int, end: int) -> tuple[int, int]:
        """Character range in the text of the normalised bytes [start, end); `end` must be greater than `start`."""
        offsets = self.offsets()
        return int(offsets[start]), int(offsets[end - 1]) + 1

    def offsets(self) -> "NDArray[np.int64]":
        """Character offset of every normalised byte."""
        if self._offsets is None:
            import numpy as np

            plain = np.frombuffer(_unescaped(self.text), dtype=np.uint8)
            kept = np.flatnonzero(_kept_table()[plain])
            if not self.text.isascii():
                raw = np.frombuffer(self.text.encode("utf-8", "surrogatepass"), dtype=np.uint8)
                kept = (np.cumsum((raw & 0xC0) != 0x80) - 1)[kept]
            self._offsets = kept
        return self._offsets


@lru_cache(maxsize=1)
def _kept_table() -> "NDArray[Any]":
    import numpy as np

    return np.array([byte in _KEPT for byte in range(256)])

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
_ESCAPE = re.compile(rb"\\(?:[nrtbf]|u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))")


def normalise(text: str) -> bytes:
    """Letters and digits of a text, lower-cased, as UTF-8; every non-ASCII character counts as a letter."""
    return _unescaped(text).translate(_LOWER, _DROPPED)


def _unescaped(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return _ESCAPE.sub(_plain, data) if b"\\" in data else data


def _plain(match: re.Match[bytes]) -> bytes:
    high, low, single = match.groups()
    if high is not None:
        code = 0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00)
    elif single is not None:
        code = int(single, 16)
    else:
        return b"  "
    plain = chr(code).encode("utf-8", "surrogatepass")
    return plain.ljust(match.end() - match.start())


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

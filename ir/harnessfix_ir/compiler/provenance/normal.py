"""The normalised form of a text: its letters and digits, lower-cased, as UTF-8 bytes.

Whitespace, punctuation and the escapes of JSON strings go, so that a text and its re-wrapped, quoted, re-indented or
JSON-escaped form are the same bytes. Escapes are replaced byte for byte, which keeps offsets comparable.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from .escapes import unescaped
from .records import Leaf, leaves_of, record_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DIGITS = b"0123456789"
_KEPT = frozenset(_DIGITS + b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" + bytes(range(0x80, 0x100)))
_LOWER = bytes(range(256)).lower()
_DROPPED = bytes(sorted(set(range(256)) - _KEPT))
_IS_KEPT = bytes(byte in _KEPT for byte in range(256))
BLOCK = 1 << 13


def normalise(text: str) -> bytes:
    """Letters and digits of a text, lower-cased, as UTF-8; every non-ASCII character counts as a letter."""
    return unescaped(text).translate(_LOWER, _DROPPED)


class Normal:
    """One text beside its normalised form, with the way back from the one to the other."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._plain = unescaped(text)
        self.data = self._plain.translate(_LOWER, _DROPPED)
        self._offsets: NDArray[np.int32] | None = None

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

    def offsets(self) -> "NDArray[np.int32]":
        """Character offset of every normalised byte."""
        if self._offsets is None:
            self._offsets = self._find_offsets()
        return self._offsets

    def _find_offsets(self) -> "NDArray[np.int32]":
        import numpy as np

        plain, self._plain = self._plain, b""  # it is not needed again
        if self.text.isascii():
            raw = None
            if len(plain) <= BLOCK:
                return _kept(plain).astype(np.int32)
        else:
            raw = np.frombuffer(self.text.encode("utf-8", "surrogatepass"), dtype=np.int8)
        offsets = np.empty(len(self.data), np.int32)
        done = characters = 0
        for start in range(0, len(plain), BLOCK):
            kept = _kept(plain[start : start + BLOCK])
            if raw is None:
                found = kept + start
            else:
                begins = raw[start : start + BLOCK] >= -64  # bytes that go on with a character are below
                begun = np.add.accumulate(begins.astype(np.int32))
                found = begun[kept] + (characters - 1)
                characters += int(begun[-1])
            offsets[done : done + len(kept)] = found
            done += len(kept)
        return offsets


def _kept(plain: bytes) -> "NDArray[np.intp]":
    """Where the bytes are that a normalised text keeps."""
    import numpy as np

    return np.frombuffer(plain.translate(_IS_KEPT), dtype=bool).nonzero()[0]

"""Runs of eight bytes, which are too short for fingerprints: each is a number by itself, compared at memory speed."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .fingerprints import batches

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH = 8
_ODD = 0x9E3779B97F4A7C15
_TABLE_BITS = 16


def eights_of(data: bytes) -> "NDArray[Any]":
    """A number of 64 bits for the run of eight bytes at each place; equal runs, and only these, have equal numbers.

    It is those bytes multiplied by an odd number, which loses nothing and lets all of them speak in the upper bits.
    """
    import numpy as np

    count = len(data) - WIDTH + 1
    overlapping = np.ndarray((count,), "<u8", data, 0, (1,)) if count > 0 else np.empty(0, np.uint64)
    numbers: NDArray[Any] = overlapping * np.uint64(_ODD)
    return numbers


def find_eights(
    texts: Iterable[bytes], wanted: Sequence[bytes]
) -> tuple["NDArray[Any]", "NDArray[Any]", "NDArray[Any]"]:
    """Where some runs of eight bytes stand in some texts.

    Args:
        texts: to look in.
        wanted: different runs.

    Returns:
        Which of those that are wanted, which text, and the position in it: columns in order of the first.
    """
    import numpy as np

    numbers = eights_of(b"".join(wanted))[::WIDTH]
    order = np.argsort(numbers)
    numbers = numbers[order]
    upper = np.uint64(64 - _TABLE_BITS)
    table = np.zeros(1 << _TABLE_BITS, dtype=bool)
    table[numbers >> upper] = True
    found = [(np.empty(0, np.int64),) * 3]
    for batch in batches(texts, WIDTH):
        lengths = np.array([len(piece.data) for piece in batch])
        ends = np.cumsum(lengths)
        codes = eights_of(b"".join(piece.data for piece in batch))
        maybe = np.flatnonzero(table[codes >> upper])
        at = np.minimum(np.searchsorted(numbers, codes[maybe]), len(numbers) - 1)
        sure = numbers[at] == codes[maybe]
        at, places = at[sure], maybe[sure]
        piece = np.searchsorted(ends, places, side="right")
        inside = places + WIDTH <= ends[piece]
        at, places, piece = at[inside], places[inside], piece[inside]
        shift = np.array([piece.start for piece in batch]) - (ends - lengths)
        found.append((order[at], np.array([piece.text for piece in batch])[piece], places + shift[piece]))
    which, text, position = (np.concatenate(column) for column in zip(*found))
    by_number = np.argsort(which, kind="stable")
    return which[by_number], text[by_number], position[by_number]

"""Winnowed fingerprints of many texts at once, in numpy.

Winnowing (Schleimer, Wilkerson, Aiken: "Winnowing: local algorithms for document fingerprinting", SIGMOD 2003) keeps
the smallest hash of every window of w k-grams, so that any run of k + w - 1 = 31 letters and digits that two texts
share leaves a common fingerprint, at about one fingerprint for every w/2 characters.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

K = 16
WINDOW = 16
CHUNK = 1 << 17
_BASE = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class Prints:
    """Fingerprints: three arrays of one length, in no order: hash, number of the text, normalised position."""

    hash: "NDArray[Any]"
    text: "NDArray[Any]"
    position: "NDArray[Any]"

    def __len__(self) -> int:
        return len(self.hash)


def fingerprint(texts: Sequence[int], data: Sequence[bytes]) -> Prints:
    """Fingerprints of normalised texts.

    Args:
        texts: number of each text.
        data: its normalised form.
    """
    import numpy as np

    found: list[tuple[Any, Any, Any]] = []
    for batch in _batches(data, K):
        blob = b"".join(data[n][start:end] for n, start, end in batch)
        if len(blob) < K:
            continue
        lengths = np.array([end - start for _, start, end in batch])
        grams = gram_hashes(blob, K)
        ends = np.cumsum(lengths)
        _invalidate_crossings(grams, ends)
        chosen = np.flatnonzero(_winnow(grams))
        piece = np.searchsorted(ends, chosen, side="right")
        first = ends - lengths - np.array([start for _, start, _ in batch])
        numbers = np.array([texts[n] for n, _, _ in batch], dtype=np.int32)
        found.append((grams[chosen], numbers[piece], (chosen - first[piece]).astype(np.int32)))
    if not found:
        return Prints(np.empty(0, np.uint64), np.empty(0, np.int32), np.empty(0, np.int32))
    hashes, numbers, positions = (np.concatenate(column) for column in zip(*found))
    return Prints(hashes, numbers, positions)


def pieces_of(texts: Sequence[int], data: Sequence[bytes], width: int) -> Iterator[tuple[int, int, "NDArray[Any]"]]:
    """Hashes of all grams of normalised texts: number of the text, position of the first gram, and the hashes."""
    for batch in _batches(data, width):
        codes = gram_hashes(b"".join(data[n][start:end] for n, start, end in batch), width)
        at = 0
        for n, start, end in batch:
            yield texts[n], start, codes[at : at + end - start - width + 1]
            at += end - start


def _batches(data: Sequence[bytes], width: int) -> Iterator[list[tuple[int, int, int]]]:
    """Pieces (text, start, end) in batches of about `CHUNK` bytes; pieces of one text overlap by `width` - 1 bytes."""
    batch: list[tuple[int, int, int]] = []
    size = 0
    for n, text in enumerate(data):
        for start in range(0, max(len(text) - width + 1, 0), CHUNK):
            end = min(start + CHUNK + width - 1, len(text))
            batch.append((n, start, end))
            size += end - start
            if size >= CHUNK:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def gram_hashes(blob: bytes, width: int) -> "NDArray[Any]":
    """A 64-bit hash of every gram of `width` bytes (a power of two), by doubling: 2n bytes from their two halves."""
    import numpy as np

    hashes = _byte_table()[np.frombuffer(blob, dtype=np.uint8)]
    power, done = _BASE, 1
    while done < width:
        hashes = hashes[:-done] * np.uint64(power) + hashes[done:]
        power = power * power % (1 << 64)
        done *= 2
    hashes ^= hashes >> np.uint64(31)
    hashes *= np.uint64(0xBF58476D1CE4E5B9)
    hashes ^= hashes >> np.uint64(29)
    return hashes


def _invalidate_crossings(grams: "NDArray[Any]", ends: "NDArray[Any]") -> None:
    """Give K-grams that reach from one text into the next the greatest hash, which is never chosen."""
    import numpy as np

    for back in range(1, K):
        at = ends - back
        at = at[(at >= 0) & (at < len(grams))]
        grams[at] = np.iinfo(np.uint64).max


def _winnow(grams: "NDArray[Any]") -> "NDArray[Any]":
    """Which K-grams are the smallest of some window: those that the opening (minimum, then maximum) leaves alone."""
    import numpy as np

    top = np.iinfo(np.uint64).max
    padded = np.full(len(grams) + 2 * (WINDOW - 1), top, dtype=np.uint64)
    padded[WINDOW - 1 : WINDOW - 1 + len(grams)] = grams
    opened = _sliding(_sliding(padded, np.minimum), np.maximum)
    chosen: NDArray[Any] = (opened == grams) & (grams != top)
    return chosen


def _sliding(values: "NDArray[Any]", choose: Any) -> "NDArray[Any]":
    width = 1
    while width < WINDOW:
        values = choose(values[:-width], values[width:])
        width *= 2
    return values


@lru_cache(maxsize=1)
def _byte_table() -> "NDArray[Any]":
    import numpy as np

    return np.random.default_rng(20031).integers(0, 1 << 64, size=256, dtype=np.uint64)

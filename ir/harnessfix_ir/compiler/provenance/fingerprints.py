"""Winnowed fingerprints of many texts at once, in numpy.

Winnowing (Schleimer, Wilkerson, Aiken: "Winnowing: local algorithms for document fingerprinting", SIGMOD 2003) keeps
the smallest hash of every window of w k-grams, so that any run of k + w - 1 = 31 letters and digits that two texts
share leaves a common fingerprint, at about one fingerprint for every w/2 characters.

Texts are read one after another, in batches of some kilobytes: what is held at any time does not grow with them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from numpy.typing import NDArray

K = 16
WINDOW = 16
SURE_TO_MATCH = K + WINDOW - 1
CHUNK = 1 << 14
_ODD, _MIXER = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9
_NEVER = (1 << 32) - 1


@dataclass(frozen=True)
class Prints:
    """Fingerprints of one batch: 32-bit hashes, and where each k-gram begins in all texts laid end to end (64 bits)."""

    hash: "NDArray[Any]"
    place: "NDArray[Any]"


class Slice(NamedTuple):
    """Bytes of text number `text` from its byte `start` on; `place` is where they begin in all texts end to end."""

    text: int
    start: int
    place: int
    data: bytes


def fingerprint(texts: Iterable[bytes]) -> Iterator[Prints]:
    """Fingerprints of normalised texts, batch by batch, in no order within a batch."""
    import numpy as np

    for batch in batches(texts, K):
        lengths = np.array([len(piece.data) for piece in batch])
        ends = np.cumsum(lengths)
        if not len(ends) or ends[-1] < K:
            continue
        grams = _gram_hashes(b"".join(piece.data for piece in batch))
        _invalidate_crossings(grams, ends)
        chosen = _thinned(grams, np.flatnonzero(_winnow(grams)))
        shift = np.array([piece.place for piece in batch]) - (ends - lengths)
        places = chosen + shift[np.searchsorted(ends, chosen, side="right")]
        yield Prints(grams[chosen], places.astype(np.uint64))


def batches(texts: Iterable[bytes], width: int) -> Iterator[list[Slice]]:
    """Slices in batches of about `CHUNK` bytes; slices of one text overlap by `width` - 1 bytes."""
    batch: list[Slice] = []
    size = place = 0
    for number, text in enumerate(texts):
        for start in range(0, max(len(text) - width + 1, 0), CHUNK):
            piece = Slice(number, start, place + start, text[start : start + CHUNK + width - 1])
            batch.append(piece)
            size += len(piece.data)
            if size >= CHUNK:
                yield batch
                batch, size = [], 0
        place += len(text)
    if batch:
        yield batch


def _gram_hashes(blob: bytes) -> "NDArray[Any]":
    """A 32-bit hash of every K-gram, from the two numbers of 64 bits that its halves are."""
    import numpy as np

    count = len(blob) - K + 1
    halves = np.ndarray((count + K // 2,), "<u8", blob, 0, (1,))
    hashes: NDArray[Any] = halves[:count] * np.uint64(_ODD)
    hashes ^= hashes >> np.uint64(29)
    hashes += halves[K // 2 :]
    hashes *= np.uint64(_MIXER)
    return (hashes >> np.uint64(32)).astype(np.uint32)


def _invalidate_crossings(grams: "NDArray[Any]", ends: "NDArray[Any]") -> None:
    """Give K-grams that reach from one text into the next the greatest hash, which is never chosen."""
    import numpy as np

    at = (ends[:, None] - np.arange(1, K)).ravel()
    grams[at[(at >= 0) & (at < len(grams))]] = _NEVER


def _winnow(grams: "NDArray[Any]") -> "NDArray[Any]":
    """Which K-grams are the smallest of some window: those that the opening (minimum, then maximum) leaves alone."""
    import numpy as np

    padded = np.full(len(grams) + 2 * (WINDOW - 1), _NEVER, dtype=np.uint32)
    padded[WINDOW - 1 : WINDOW - 1 + len(grams)] = grams
    opened = _sliding(_sliding(padded, np.minimum), np.maximum)
    chosen: NDArray[Any] = (opened == grams) & (grams != _NEVER)
    return chosen


def _thinned(grams: "NDArray[Any]", chosen: "NDArray[Any]") -> "NDArray[Any]":
    """The chosen places without most of those that say the same as the one before: a row of one letter has millions.

    At most `WINDOW` places lie between two that are left, so that shared runs still leave a common fingerprint.
    """
    import numpy as np

    same = (grams[chosen[1:]] == grams[chosen[:-1]]) & (np.diff(chosen) < WINDOW)  # texts lie farther apart than that
    if not same.any():
        return chosen
    begins = np.flatnonzero(np.concatenate(([True], ~same)))
    begun = np.repeat(chosen[begins], np.diff(np.append(begins, len(chosen))))
    stretch = (chosen - begun) // (WINDOW // 2)
    kept = np.concatenate(([True], ~same | (stretch[1:] != stretch[:-1])))
    thinned: NDArray[Any] = chosen[kept]
    return thinned


def _sliding(values: "NDArray[Any]", choose: Any) -> "NDArray[Any]":
    width = 1
    while width < WINDOW:
        values = choose(values[:-width], values[width:])
        width *= 2
    return values

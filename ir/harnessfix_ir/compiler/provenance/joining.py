"""Candidate pairs: which earlier texts share fingerprints with which later ones.

The fingerprints of all sources are packed with their places into one sorted array; those of the sinks are looked up
in it a few texts at a time, so that memory is that array and little else. A fingerprint that many sources own is
boilerplate: it still leads to the nearest of them, but it is not evidence by itself.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from harnessfix_ir.errors import BadInputError

from .fingerprints import fingerprint

if TYPE_CHECKING:
    from numpy.typing import NDArray

COMMON = 8
NEAREST = 4
BLOCK = 1 << 14
_PLACE_BITS = 32
_PLACE_MASK = (1 << _PLACE_BITS) - 1


class Candidate(NamedTuple):
    """A source text that shares fingerprints with a sink text.

    Args:
        sink, source: numbers of the texts.
        seeds: rows (position in the source, position in the sink), normalised, in order of the latter; 32 bits each.
        rare: how many of them few sources own.
    """

    sink: int
    source: int
    seeds: "NDArray[Any]"
    rare: int

    def after(self, start: int) -> "Candidate":
        """The candidate without its seeds before a position of the sink."""
        return self._replace(seeds=self.seeds[self.seeds[:, 1] >= start])


class SourceIndex:
    """The fingerprints of all source texts, sorted by hash and, among equal ones, by when the text was first a source.

    Args:
        sources: numbers of the texts, those that were sources first before the others.
        ranks: when each of them first was a source, in the same order.
        normalised: their normalised forms, in the same order.

    Raises:
        BadInputError: the texts are longer than 4 GiB together.
    """

    def __init__(self, sources: Sequence[int], ranks: Sequence[int], normalised: Iterable[bytes]) -> None:
        import numpy as np

        self._ranks = ranks
        starts = [0]
        packed = [
            prints.hash.astype(np.uint64) << np.uint64(_PLACE_BITS) | prints.place
            for prints in fingerprint(_measured(normalised, starts))
        ]
        if starts[-1] > _PLACE_MASK:
            raise BadInputError("the texts of this run are longer than 4 GiB", hint="Record shorter runs.")
        keys = np.concatenate(packed) if packed else np.empty(0, np.uint64)
        packed.clear()
        keys.sort()
        self._sources = np.array(sources, dtype=np.int64)
        self._starts = np.array(starts, dtype=np.int64)
        self._keys = self._first_of_each_text(keys)

    def candidates(
        self, sinks: Sequence[int], ranks: Sequence[int], normalised: Iterable[bytes]
    ) -> Iterator[Candidate]:
        """Candidates of some sink texts, those of one sink together, sources strictly before sinks.

        Args:
            sinks: numbers of the texts.
            ranks: when each of them is a sink.
            normalised: their normalised forms.
        """
        import numpy as np

        starts = [0]
        prints = list(fingerprint(_measured(normalised, starts)))
        if not prints or not len(self._keys):
            return
        hashes = np.concatenate([part.hash for part in prints]).astype(np.uint64) << np.uint64(_PLACE_BITS)
        places = np.concatenate([part.place for part in prints]).astype(np.int64)
        order = np.argsort(hashes)  # those looked up one after another then lie beside each other, in cached memory
        hashes, places = hashes[order], places[order]
        low = np.searchsorted(self._keys, hashes)
        bits = np.uint64(_PLACE_BITS)
        hit = self._keys[np.minimum(low, len(self._keys) - 1)] >> bits == hashes >> bits
        low, hashes, places = low[hit], hashes[hit], places[hit]
        beyond = np.minimum(low + COMMON, len(self._keys) - 1)
        rare = (low + COMMON >= len(self._keys)) | (self._keys[beyond] >> bits != hashes >> bits)
        sink = np.searchsorted(np.array(starts[1:]), places, side="right").astype(np.int32)
        places = (places - np.array(starts)[sink]).astype(np.int32)
        limits = self._starts[[bisect_left(self._ranks, rank) for rank in ranks]].astype(np.uint64)
        middle = np.searchsorted(self._keys, hashes | limits[sink])
        columns = []
        for back in range(1, NEAREST + 1):
            there = middle - back >= low
            at = (self._keys[middle[there] - back] & np.uint64(_PLACE_MASK)).astype(np.int64)
            text = self._text_at(at).astype(np.int32)
            position = (at - self._starts[text]).astype(np.int32)
            columns.append((sink[there], text, places[there], position, rare[there]))
        for number, source, seeds, rare in _grouped(*(np.concatenate(column) for column in zip(*columns))):
            yield Candidate(sinks[number], int(self._sources[source]), seeds, rare)

    def _first_of_each_text(self, keys: "NDArray[Any]") -> "NDArray[Any]":
        """The keys without those whose hash the same text has earlier, packed to the front block by block."""
        import numpy as np

        kept, last = 0, (-1, -1)
        for start in range(0, len(keys), BLOCK):
            block = keys[start : start + BLOCK].copy()
            hashes = (block >> np.uint64(_PLACE_BITS)).astype(np.int64)
            texts = self._text_at((block & np.uint64(_PLACE_MASK)).astype(np.int64))
            first = np.ones(len(block), dtype=bool)
            first[1:] = (hashes[1:] != hashes[:-1]) | (texts[1:] != texts[:-1])
            first[0] = (int(hashes[0]), int(texts[0])) != last
            last = int(hashes[-1]), int(texts[-1])
            count = int(first.sum())
            keys[kept : kept + count] = block[first]
            kept += count
        return keys[:kept]

    def _text_at(self, places: "NDArray[Any]") -> "NDArray[Any]":
        import numpy as np

        return np.searchsorted(self._starts, places, side="right") - 1


def _measured(texts: Iterable[bytes], starts: list[int]) -> Iterator[bytes]:
    """The same texts; where each ends, all laid end to end, is added to `starts` as they are taken."""
    for text in texts:
        starts.append(starts[-1] + len(text))
        yield text


def _grouped(
    sink: Any, source: Any, sink_position: Any, source_position: Any, rare: Any
) -> Iterator[tuple[int, int, "NDArray[Any]", int]]:
    import numpy as np

    if not len(sink):
        return
    order = np.lexsort((sink_position, source, sink))
    sink, source = sink[order], source[order]
    seeds, rare = np.column_stack((source_position[order], sink_position[order])), rare[order]
    starts = np.flatnonzero(np.concatenate(([True], (sink[1:] != sink[:-1]) | (source[1:] != source[:-1]))))
    ends = np.append(starts[1:], len(sink))
    rare_before = np.concatenate(([0], np.cumsum(rare)))
    counts = rare_before[ends] - rare_before[starts]
    heads = zip(sink[starts].tolist(), source[starts].tolist(), starts.tolist(), ends.tolist(), counts.tolist())
    for number, text, start, end, count in heads:
        yield number, text, seeds[start:end], count

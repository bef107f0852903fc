"""Candidate pairs: which earlier texts share fingerprints with which later ones.

Both sides are sorted once and joined by binary search. A fingerprint that many sources own is boilerplate: it still
leads to the nearest of them, but it is not evidence by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .fingerprints import Prints

if TYPE_CHECKING:
    from numpy.typing import NDArray

COMMON = 8
NEAREST = 4


@dataclass(frozen=True)
class Candidate:
    """A source text that shares fingerprints with a sink text.

    Args:
        sink, source: numbers of the texts.
        seeds: pairs (position in the source, position in the sink), normalised, in order of the latter.
        rare: how many of them few sources own.
    """

    sink: int
    source: int
    seeds: list[tuple[int, int]]
    rare: int

    def after(self, start: int) -> "Candidate":
        """The candidate without its seeds before a position of the sink."""
        return replace(self, seeds=[seed for seed in self.seeds if seed[1] >= start])


def join(sources: Prints, sinks: Prints, source_rank: "NDArray[Any]", sink_rank: "NDArray[Any]") -> Iterator[Candidate]:
    """Candidates grouped by sink, sources strictly before sinks.

    Args:
        sources, sinks: fingerprints of either side.
        source_rank, sink_rank: by text number, when a text first was a source and when it first was a sink.
    """
    import numpy as np

    if not len(sources) or not len(sinks):
        return
    known = np.sort(sinks.hash)
    wanted = known[np.minimum(np.searchsorted(known, sources.hash), len(known) - 1)] == sources.hash
    s_hash, s_text, s_position = sources.hash[wanted], sources.text[wanted], sources.position[wanted]
    by_text = np.lexsort((s_position, s_text, s_hash))
    s_hash, s_text, s_position = s_hash[by_text], s_text[by_text], s_position[by_text]
    first = np.ones(len(s_hash), dtype=bool)
    first[1:] = (s_hash[1:] != s_hash[:-1]) | (s_text[1:] != s_text[:-1])
    s_hash, s_text, s_position = s_hash[first], s_text[first], s_position[first]
    by_rank = np.lexsort((source_rank[s_text], s_hash))
    s_hash, s_text, s_position = s_hash[by_rank], s_text[by_rank], s_position[by_rank]

    low = np.searchsorted(s_hash, sinks.hash, side="left")
    high = np.searchsorted(s_hash, sinks.hash, side="right")
    hit = high > low
    low, high = low[hit], high[hit]
    t_text, t_position = sinks.text[hit], sinks.position[hit]
    middle = _before(s_hash, source_rank[s_text], sinks.hash[hit], sink_rank[t_text])
    columns = []
    for back in range(1, NEAREST + 1):
        at = middle - back
        there = at >= low
        at = at[there]
        columns.append((t_text[there], s_text[at], t_position[there], s_position[at], (high - low)[there] <= COMMON))
    yield from _grouped(*(np.concatenate(column) for column in zip(*columns)))


def _before(s_hash: "NDArray[Any]", s_rank: "NDArray[Any]", hashes: "NDArray[Any]", ranks: "NDArray[Any]") -> Any:
    """Insertion points of (hash, rank) pairs among the sorted source pairs."""
    import numpy as np

    if not len(s_hash):
        return np.zeros(len(hashes), dtype=np.int64)
    starts = np.concatenate(([True], s_hash[1:] != s_hash[:-1]))
    dense = np.cumsum(starts) - 1
    number = dense[np.searchsorted(s_hash, hashes, side="left")]
    keys = dense.astype(np.int64) << 32 | s_rank.astype(np.int64)
    return np.searchsorted(keys, number.astype(np.int64) << 32 | ranks.astype(np.int64), side="left")


def _grouped(t_text: Any, s_text: Any, t_position: Any, s_position: Any, rare: Any) -> Iterator[Candidate]:
    import numpy as np

    order = np.lexsort((t_position, s_text, t_text))
    t_text, s_text = t_text[order], s_text[order]
    t_position, s_position, rare = t_position[order], s_position[order], rare[order]
    if not len(t_text):
        return
    starts = np.flatnonzero(np.concatenate(([True], (t_text[1:] != t_text[:-1]) | (s_text[1:] != s_text[:-1]))))
    ends = np.append(starts[1:], len(t_text))
    rare_before = np.concatenate(([0], np.cumsum(rare)))
    counts = rare_before[ends] - rare_before[starts]
    heads_t, heads_s = t_text[starts].tolist(), s_text[starts].tolist()
    for sink, source, start, end, count in zip(heads_t, heads_s, starts.tolist(), ends.tolist(), counts.tolist()):
        seeds = list(zip(s_position[start:end].tolist(), t_position[start:end].tolist()))
        yield Candidate(sink, source, seeds, count)

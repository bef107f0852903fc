"""From seeds to runs: verify each shared k-gram byte for byte and extend it as far as both texts agree."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from harnessfix_ir.compiler.extent import agree_backward, agree_forward

from .eights import WIDTH, eights_of
from .ranges import Ranges

MOST_RUNS = 4096
STRONG = 24
NEAR = 64
NEXT = 8
NEAREST = 512
DOUBTFUL = 256
LOCAL_K = WIDTH
LOCAL_LIMIT = 1 << 16


class Run(NamedTuple):
    """Normalised bytes [source, source + length) of one text that are [sink, sink + length) of another."""

    source: int
    sink: int
    length: int


def extend_seeds(
    source: bytes, sink: bytes, seeds: Iterable[Sequence[int]], width: int, sink_from: int = 0
) -> list[Run]:
    """Maximal runs through the seeds, in order of the sink, not overlapping there.

    A text may say the same thing often; where the source goes on soon after the last run, that place is taken and not
    the seed's. A short run that the next one turns out to go past was a wrong place.

    Args:
        source, sink: normalised texts.
        seeds: pairs (position in the source, position in the sink) in order of the latter.
        width: bytes that a seed claims to be equal; seeds that are not are dropped.
        sink_from: sink bytes before this are left alone.
    """
    runs: list[Run] = []
    done, ahead = sink_from, 0
    for s, t in seeds:
        if t < done:
            continue
        if len(runs) >= MOST_RUNS:
            break
        gram = sink[t : t + width]
        if runs:
            near = source.find(gram, ahead, ahead + t - done + NEAREST)
            s = near if near >= 0 else s
        if source[s : s + width] != gram:
            continue
        over = runs[-1].length if runs and runs[-1].length <= DOUBTFUL else 0
        before = agree_backward(source, s, sink, t, min(s, t - done + over))
        if before >= t - done + over > t - done:
            runs.pop()
        else:
            before = min(before, t - done)
        after = agree_forward(source, s + width, sink, t + width)
        run = Run(s - before, t - before, before + width + after)
        runs.append(run)
        done, ahead = run.sink + run.length, run.source + run.length
    return told_once(without_chance(runs, min(STRONG, max(len(source), 2) // 2)))


def told_once(runs: list[Run]) -> list[Run]:
    """Runs that tell each stretch of the source once: where the sink repeats it, the longest telling is kept.

    A telling is a row of runs that goes forward in the source; one that is tiny beside another is chance.
    """
    if len(runs) < 2:
        return runs
    tellings: list[list[Run]] = [[runs[0]]]
    for before, run in pairwise(runs):
        if run.source < before.source + before.length - NEAR:
            tellings.append([])
        tellings[-1].append(run)
    if len(tellings) == 1:
        return runs
    tellings.sort(key=_told, reverse=True)
    least = min(2 * STRONG, _told(tellings[0]) // 10)
    told = Ranges()
    kept: list[Run] = []
    for telling in tellings:
        if _told(telling) < least:
            break
        spans = [(run.source, run.source + run.length) for run in telling]
        if told.share(spans) <= 0.5:
            told.add(spans)
            kept.extend(telling)
    return sorted(kept, key=lambda run: run.sink)


def _told(telling: list[Run]) -> int:
    return sum(run.length for run in telling)


def without_chance(runs: list[Run], strong: int = STRONG) -> list[Run]:
    """Runs of `strong` bytes, and those close to one: short runs elsewhere are what any two texts share.

    A row of short runs that are next to each other in both texts is as good as one run: lines with numbers put before
    them are such a row.
    """
    kept = [run.length >= strong for run in runs]
    first = 0
    for n in range(1, len(runs) + 1):
        if n < len(runs) and _adjoining(runs[n - 1], runs[n]):
            continue
        if n - first > 1 and sum(run.length for run in runs[first:n]) >= strong:
            kept[first:n] = [True] * (n - first)
        first = n
    for order in (range(1, len(runs)), range(len(runs) - 2, -1, -1)):
        step = -1 if order.step == 1 else 1
        for n in order:
            if kept[n + step] and not kept[n]:
                kept[n] = _close(*((runs[n - 1], runs[n]) if step < 0 else (runs[n], runs[n + 1])))
    return [run for run, keep in zip(runs, kept) if keep]


def _adjoining(first: Run, second: Run) -> bool:
    in_source = second.source - first.source - first.length
    return 0 <= in_source <= NEXT and second.sink - first.sink - first.length <= NEXT


def _close(first: Run, second: Run) -> bool:
    gap = second.source - first.source - first.length
    return second.sink - first.sink - first.length <= NEAR and -NEAR <= gap <= NEAR


def local_seeds(source: bytes, sink: bytes, start: int = 0) -> Iterator[tuple[int, int]]:
    """Seeds of `LOCAL_K` bytes between two texts that are known to belong together, each at its first place.

    Only the first `LOCAL_LIMIT` bytes of the source, and as many of the sink from `start` on, are looked at.
    """
    import numpy as np

    bits, mask = np.uint64(32), np.uint64(0xFFFFFFFF)
    codes = eights_of(source[:LOCAL_LIMIT])
    keys = (codes & ~mask) | np.arange(len(codes), dtype=np.uint64)
    keys.sort()
    codes = eights_of(sink[start : start + LOCAL_LIMIT])
    if len(keys) and len(codes):
        found = keys[np.minimum(np.searchsorted(keys, codes & ~mask), len(keys) - 1)]
        hits = np.flatnonzero(found >> bits == codes >> bits)
        yield from zip((found[hits] & mask).tolist(), (hits + start).tolist())

"""From seeds to runs: verify each shared k-gram byte for byte and extend it as far as both texts agree."""

from collections.abc import Iterable
from dataclasses import dataclass

from harnessfix_ir.compiler.extent import agree_backward, agree_forward

MOST_RUNS = 4096
STRONG = 24
NEAR = 64
NEAREST = 512
LOCAL_K = 8
LOCAL_LIMIT = 1 << 16


@dataclass(frozen=True, slots=True)
class Run:
    """Normalised bytes [source, source + length) of one text that are [sink, sink + length) of another."""

    source: int
    sink: int
    length: int


def extend_seeds(
    source: bytes, sink: bytes, seeds: Iterable[tuple[int, int]], width: int, sink_from: int = 0
) -> list[Run]:
    """Maximal runs through the seeds, in order of the sink, not overlapping there.

    A text may say the same thing often; where the source goes on soon after the last run, that place is taken and not
    the seed's.

    Args:
        source, sink: normalised texts.
        seeds: pairs (position in the source, position in the sink) in order of the latter.
        width: bytes that a seed claims to be equal; seeds that are not are dropped.
        sink_from: sink bytes before this are left alone.
    """
    runs: list[Run] = []
    done, ahead = sink_from, 0
    for s, t in seeds:
        if t < done or len(runs) >= MOST_RUNS:
            continue
        gram = sink[t : t + width]
        if runs:
            near = source.find(gram, ahead, ahead + t - done + NEAREST)
            s = near if near >= 0 else s
        if source[s : s + width] != gram:
            continue
        before = agree_backward(source, s, sink, t, min(s, t - done))
        after = agree_forward(source, s + width, sink, t + width)
        run = Run(s - before, t - before, before + width + after)
        runs.append(run)
        done, ahead = run.sink + run.length, run.source + run.length
    return without_chance(runs, min(STRONG, max(len(source), 2) // 2))


def without_chance(runs: list[Run], strong: int = STRONG) -> list[Run]:
    """Runs of `strong` bytes, and those close to one: short runs elsewhere are what any two texts share."""
    kept = [run.length >= strong for run in runs]
    for order in (range(1, len(runs)), range(len(runs) - 2, -1, -1)):
        step = -1 if order.step == 1 else 1
        for n in order:
            if kept[n + step] and not kept[n]:
                kept[n] = _close(*((runs[n - 1], runs[n]) if step < 0 else (runs[n], runs[n + 1])))
    return [run for run, keep in zip(runs, kept) if keep]


def _close(first: Run, second: Run) -> bool:
    gap = second.source - first.source - first.length
    return second.sink - first.sink - first.length <= NEAR and -NEAR <= gap <= NEAR


def local_seeds(source: bytes, sink: bytes) -> list[tuple[int, int]]:
    """Seeds of `LOCAL_K` bytes between two short texts, for pairs that are known to belong together."""
    source, sink = source[:LOCAL_LIMIT], sink[:LOCAL_LIMIT]
    places: dict[bytes, int] = {}
    for at in range(len(source) - LOCAL_K, -1, -1):
        places[source[at : at + LOCAL_K]] = at
    return [(places[gram], at) for at in range(len(sink) - LOCAL_K + 1) if (gram := sink[at : at + LOCAL_K]) in places]

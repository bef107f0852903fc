"""The ends of a source, letter for letter, in a sink that holds little else of it.

Text that repeats itself (tracebacks, logs, tables) can be aligned in more ways than one, and a cut through it then
looks like a rewriting. Where its first and last characters lead on for nearly all that is shared, it was cut and no
more.
"""

from collections.abc import Iterator

from harnessfix_ir.compiler.extent import agree_backward, agree_forward

from .ranges import Range

KEY = 24
AROUND = 64
MOST_PLACES = 8
MOST_BETWEEN = 400
NEARLY_ALL = 0.9

Pair = tuple[Range, Range]


def kept_ends(source: str, sink: str, shared: int, low: int, high: int) -> tuple[str, tuple[Pair, ...]] | None:
    """Which ends of the source stand verbatim in the sink, when they make up nearly all that the two share.

    Args:
        source, sink: the texts.
        shared: how many characters of the sink are like some of the source.
        low, high: where in the sink these are.

    Returns:
        `head`, `tail` or `head and tail`, with the ranges in source and sink; None when there is more to it.
    """
    begin, end = len(source) - len(source.lstrip()), len(source.rstrip())
    if end - begin < 2 * KEY:
        return None
    low, high = max(low - AROUND, 0), min(high + AROUND, len(sink))
    head = max(heads(source, begin, end, sink, low, high), key=_length, default=None)
    tail = max(tails(source, begin, end, sink, low, high), key=_length, default=None)
    if head is not None and tail is not None:
        between = tail[1][0] - head[1][1]
        apart = 0 <= between <= MOST_BETWEEN and head[0][1] <= tail[0][0]
        if apart and _length(head) + _length(tail) >= NEARLY_ALL * shared:
            return "head and tail", (head, tail)
    for name, one in (("head", head), ("tail", tail)):
        if one is not None and _length(one) >= NEARLY_ALL * shared:
            return name, (one,)
    return None


def _length(pair: Pair) -> int:
    return pair[0][1] - pair[0][0]


def heads(source: str, begin: int, end: int, sink: str, low: int, high: int) -> Iterator[Pair]:
    """Where [begin, end) of the source begins in [low, high) of the sink, and how far it goes on there."""
    key = source[begin : begin + KEY]
    at = low - 1
    for _ in range(MOST_PLACES):
        at = sink.find(key, at + 1, high)
        if at < 0:
            return
        length = min(agree_forward(source, begin, sink, at), end - begin)
        yield (begin, begin + length), (at, at + length)


def tails(source: str, begin: int, end: int, sink: str, low: int, high: int) -> Iterator[Pair]:
    """Where it ends there, the last place first, and from where on."""
    key = source[end - KEY : end]
    at = high
    for _ in range(MOST_PLACES):
        at = sink.rfind(key, low, at)
        if at < 0:
            return
        stop = at + KEY
        length = agree_backward(source, end, sink, stop, min(end - begin, stop))
        yield (end - length, end), (stop - length, stop)
        at += KEY - 1

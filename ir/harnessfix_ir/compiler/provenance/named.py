"""The one text that a call's id names, found in the answer to that call as answers are made from results.

Most of what a run says anew are answers to calls: the result whole, its ends, its lines with a number or a mark before
each, or spelled as a JSON string. Where that explains all of an answer but for a few words around it, too few for a
fingerprint, nothing else need be looked for.
"""

import json
from collections.abc import Iterable, Iterator, Sequence

from harnessfix_ir.compiler.extent import agree_backward, agree_forward
from harnessfix_ir.vocabulary import LinkKind

from .ends import KEY, Pair, heads, tails
from .fingerprints import SURE_TO_MATCH
from .manner import ESCAPED, manner
from .normal import normalise
from .ranges import Range
from .relation import Piece, Relation, cut, whole_piece

LEAST = 64
# A named text is believed when it is this share of the answer.
MUCH = 0.5
LONGEST_MARK = 12
MOST_LINES = 4096
SAMPLE = 1000


def answer_of(source: str, sink: str, cuttable: bool) -> Relation | None:
    """The relation when the answer holds the text and little else.

    Shares are counted in characters here.

    Args:
        source, sink: the named text and the answer.
        cuttable: whether code decided what of the text is in the answer.
    """
    relation = _whole(source, sink) or _by_lines(source, sink) or _as_string(source, sink)
    return relation or (_ends(source, sink) if cuttable else None)


def _whole(source: str, sink: str) -> Relation | None:
    words = source.strip()
    at = sink.find(words)
    if at < 0 or not _explains(sink, [(at, at + len(words))]):
        return None
    found = whole_piece(source, sink, at - (len(source) - len(source.lstrip())))
    if found is None:
        return None
    piece, detail = found
    return Relation(LinkKind.COPIED, (piece,), detail, *_shares(source, sink, [piece]))


def _by_lines(source: str, sink: str) -> Relation | None:
    """Each line of the source at the end of a line of the sink, with something short before it."""
    words = source.strip()
    lines = words.splitlines(keepends=True) if words.count("\n") < MOST_LINES else []
    if len(lines) < 2 or len(sink) <= len(words):
        return None
    at = sink.find(lines[0])
    if at < 0:
        return None
    place = len(source) - len(source.lstrip())
    pieces: list[Piece] = []
    for line in lines:
        start = sink.find(line, at, at + len(line) + LONGEST_MARK)
        if start < 0:
            return None
        pieces.append(Piece((place, place + len(line)), (start, start + len(line)), True))
        at, place = start + len(line), place + len(line)
    return _told_otherwise(source, sink, pieces)


def _as_string(source: str, sink: str) -> Relation | None:
    """The source within a JSON string."""
    words = source.strip()
    if "\\" not in sink or len(sink) <= len(words):
        return None
    for ascii_only in (False, True):
        spelled = json.dumps(words, ensure_ascii=ascii_only)[1:-1]
        at = sink.find(spelled)
        if at >= 0:
            begin = len(source) - len(source.lstrip())
            piece = Piece((begin, begin + len(words)), (at, at + len(spelled)), verbatim=False)
            return _told_otherwise(source, sink, [piece], ESCAPED)
    return None


def _told_otherwise(source: str, sink: str, pieces: Sequence[Piece], how: str = "") -> Relation | None:
    low, high = pieces[0].sink[0], pieces[-1].sink[1]
    if not _explains(sink, [(low, high)]):
        return None
    detail = f"{how or manner(source, sink[low:high])}; nothing lost"
    return Relation(LinkKind.TRANSFORMED, tuple(pieces), detail, *_shares(source, sink, pieces))


def _ends(source: str, sink: str) -> Relation | None:
    """The beginning of the source, its end, or both, letter for letter."""
    begin, end = len(source) - len(source.lstrip()), len(source.rstrip())
    head = _head(source, begin, end, sink)
    tail = _tail(source, head[0][1] if head else begin, end, sink, head[1][1] if head else 0)
    pieces = [Piece(*pair, verbatim=True) for pair in (head, tail) if pair is not None]
    if not head and source.lstrip()[:1] in ("{", "["):  # it may be a record, of which a value was taken
        return None
    kept, of_source, of_sink = _shares(source, sink, pieces)
    if kept < LEAST or not _explains(sink, [piece.sink for piece in pieces]):
        return None
    lost = source[head[0][1] if head else 0 : tail[0][0] if tail else len(source)]
    instead = sink[head[1][1] if head else 0 : tail[1][0] if tail else len(sink)]
    if len(normalise(lost[:SAMPLE])) <= len(normalise(instead)):  # it may have been put in other words
        return None
    where = "head and tail" if head and tail else "head" if head else "tail"
    return cut(source, sink, pieces, where, kept, (of_source, of_sink))


def _head(source: str, begin: int, end: int, sink: str) -> Pair | None:
    """The beginning of the source, with the space before it."""
    found = next(heads(source, begin, end, sink, 0, len(sink)), None)
    if found is None:
        return None
    (_, stop), (at, until) = found
    back = agree_backward(source, begin, sink, at, min(begin, at))
    return (begin - back, stop), (at - back, until)


def _tail(source: str, begin: int, end: int, sink: str, after: int) -> Pair | None:
    """The end of the source from `begin` on, with the space after it, in the sink from `after` on."""
    found = next(tails(source, begin, end, sink, after, len(sink)), None) if end - begin >= KEY else None
    if found is None:
        return None
    (start, _), (at, stop) = found
    over = max(after - at, 0)
    ahead = agree_forward(source, end, sink, stop)
    return (start + over, end + ahead), (at + over, stop + ahead)


def _explains(sink: str, ranges: Sequence[Range]) -> bool:
    """Whether these ranges are much of the sink, and the rest nothing that must share a fingerprint with its source."""
    size = sum(end - start for start, end in ranges)
    return size > 0 and size >= MUCH * len(sink) and not any(map(_is_telling, _between(sink, ranges)))


def _between(sink: str, ranges: Iterable[Range]) -> Iterator[str]:
    done = 0
    for start, end in ranges:
        yield sink[done:start]
        done = end
    yield sink[done:]


def _is_telling(text: str) -> bool:
    return len(text) >= SURE_TO_MATCH and len(normalise(text)) >= SURE_TO_MATCH


def _shares(source: str, sink: str, pieces: Iterable[Piece]) -> tuple[int, float, float]:
    """Characters of the source that are in the sink, and these as a share of either."""
    kept = sum(piece.source[1] - piece.source[0] for piece in pieces)
    return kept, kept / max(len(source), 1), min(kept / max(len(sink), 1), 1.0)

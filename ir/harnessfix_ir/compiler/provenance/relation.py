"""What became of a source text in a sink: copied, truncated or transformed, with the pieces that show it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harnessfix_ir.compiler.extent import agree_backward, agree_forward
from harnessfix_ir.vocabulary import LinkKind

from .alignment import Run
from .ends import kept_ends
from .manner import cut_is_marked, manner
from .normal import Normal, normalise
from .ranges import Range, Ranges
from .records import place_for_record, record_before, record_of

SMALL_GAP = 12
WRAPPER = 32
CHANCE = 8
EDGE = 16
MOSTLY = 0.6


class Piece(NamedTuple):
    """A character range of the source that is found again in a range of the sink."""

    source: Range
    sink: Range
    verbatim: bool


class Relation(NamedTuple):
    """How a sink text relates to a source text.

    Args:
        kind: copied, truncated or transformed.
        pieces: character ranges at both ends, in order of the sink.
        detail: in words.
        kept: normalised bytes of the source that are found in the sink.
        source_share, sink_share: those as a share of either text, 0 to 1.
    """

    kind: LinkKind
    pieces: tuple[Piece, ...]
    detail: str
    kept: int
    source_share: float
    sink_share: float

    @property
    def is_middle(self) -> bool:
        """Whether a stretch was kept that is neither head nor tail."""
        return "(middle)" in self.detail

    @property
    def is_whole(self) -> bool:
        """Whether it is a copy of all of the source."""
        return self.kind is LinkKind.COPIED and self.detail.startswith("whole")

    @property
    def is_excerpt(self) -> bool:
        """Whether it is a copy of a stretch, and not of the whole."""
        return self.kind is LinkKind.COPIED and not self.is_whole

    @property
    def plain_cut(self) -> bool:
        """Whether it is a truncation that kept its pieces letter for letter, at an end of the source at least."""
        verbatim = all(piece.verbatim for piece in self.pieces)
        return self.kind is LinkKind.TRUNCATED and verbatim and not self.is_middle

    @property
    def source(self) -> Range:
        """From the first to the last piece, in the source."""
        return min(p.source[0] for p in self.pieces), max(p.source[1] for p in self.pieces)

    @property
    def sink(self) -> Range:
        """From the first to the last piece, in the sink."""
        return min(p.sink[0] for p in self.pieces), max(p.sink[1] for p in self.pieces)


def whole_copy(source: Normal, sink: Normal, shift: int) -> Relation | None:
    """The relation when the source, but for space around it, stands in the sink `shift` characters further on."""
    found = whole_piece(source.text, sink.text, shift)
    if found is None:
        return None
    piece, detail = found
    size = len(source.data)
    return Relation(LinkKind.COPIED, (piece,), detail, size, 1.0, size / max(len(sink.data), 1))


def whole_piece(source: str, sink: str, shift: int) -> tuple[Piece, str] | None:
    """Where the source, but for space around it, stands in the sink, `shift` characters further on, and as what."""
    start, end = len(source) - len(source.lstrip()), len(source.rstrip())
    if start + shift < 0 or not sink.startswith(source[start:end], start + shift):
        return None
    if shift >= 0 and sink.startswith(source, shift):
        start, end = 0, len(source)
    detail = "whole" if len(sink.strip()) == len(source.strip()) else "whole, inside a longer text"
    return Piece((start, end), (start + shift, end + shift), True), detail


def reserialised(source: Normal, sink: Normal) -> Relation | None:
    """The relation when the sink holds the source's JSON value in another spelling.

    Keys may be in another order, and space, escapes and numbers spelled in another way.
    """
    found = place_for_record(len(source.text), sink.text)
    if found is None or source.record is None or record_of(sink.text[slice(*found)]) != source.record:
        return None
    return _respelled(source, sink, found)


def _respelled(source: Normal, sink: Normal, found: Range) -> Relation:
    piece = Piece((0, len(source.text)), found, False)
    share = (found[1] - found[0]) / len(sink.text)
    return Relation(LinkKind.TRANSFORMED, (piece,), "re-serialised; nothing lost", len(source.data), 1.0, share)


def relate(source: Normal, sink: Normal, runs: Sequence[Run], cuttable: bool) -> Relation | None:
    """Classify the runs that two texts share.

    Args:
        source, sink: the texts.
        runs: in order of the sink.
        cuttable: whether a part of the source without the rest counts as truncation (harness code shortened it) or
            as an excerpt (someone quoted it).
    """
    if not runs:
        return None
    longest = max(runs, key=lambda run: run.length)
    shift = _shift_of_whole(source, sink, longest)
    if shift is None:
        shift = sink.offset(longest.sink) - source.offset(longest.source)
    whole = whole_copy(source, sink, shift)
    if whole is not None:
        return whole
    record = reserialised(source, sink)
    if record is not None:
        return record
    pieces = _pieces(source, sink, runs)
    start, end = pieces[0].sink[0], pieces[-1].sink[1]
    loss = _Loss.of(source, sink, runs)
    shares = loss.kept / max(len(source.data), 1), loss.kept / max(len(sink.data), 1)
    verbatim = len(pieces) <= 2 and all(piece.verbatim for piece in pieces)
    if not verbatim and source.record is not None:
        found = record_before(source.record, source.text.lstrip()[0], sink.text, start)
        if found is not None:
            return _respelled(source, sink, found)
    if not loss.total:
        how = manner(source.text, sink.text[start:end])
        return Relation(LinkKind.TRANSFORMED, pieces, f"{how}; nothing lost", loss.kept, *shares)
    where = loss.where(verbatim)
    unwrapped = where == "middle" and (source.text.lstrip()[:1] in ("{", "[") or loss.wrapper)
    if where and not unwrapped:
        if not cuttable:
            return _excerpt(source.text, sink.text, pieces)
        return cut(source.text, sink.text, pieces, where, loss.kept, shares)
    if cuttable and not unwrapped and source.record is None:
        shared = sum(piece.sink[1] - piece.sink[0] for piece in pieces)
        ends = kept_ends(source.text, sink.text, shared, start, end)
        if ends is not None:
            return _cut_to_ends(source, sink, *ends)
    if shares[0] >= 0.3 or unwrapped:
        how = manner(source.text, sink.text[start:end])
        detail = f"{how}; {shares[0]:.0%} of its letters and digits kept"
        return Relation(LinkKind.TRANSFORMED, pieces, detail, loss.kept, *shares)
    return _excerpt(source.text, sink.text, pieces)


def _shift_of_whole(source: Normal, sink: Normal, run: Run) -> int | None:
    """How far on the whole source stands in the sink, when that is where the run is; found without their offsets."""
    words = source.text.strip()
    if run.length < len(source.data) or not words:
        return None
    at = sink.text.find(words)
    if at < 0 or len(normalise(sink.text[:at])) != run.sink:
        return None
    return at - (len(source.text) - len(source.text.lstrip()))


def _cut_to_ends(source: Normal, sink: Normal, where: str, pairs: Sequence[tuple[Range, Range]]) -> Relation | None:
    pieces = tuple(Piece(kept, there, True) for kept, there in pairs)
    kept = sum(len(normalise(source.text[slice(*piece.source)])) for piece in pieces)
    shares = kept / max(len(source.data), 1), kept / max(len(sink.data), 1)
    return cut(source.text, sink.text, pieces, where, kept, shares)


def cut(
    source: str, sink: str, pieces: Sequence[Piece], where: str, kept: int, shares: tuple[float, float]
) -> Relation:
    """The relation when a stretch of the source, or one at each end, was kept.

    Args:
        source, sink: the texts.
        pieces: what was kept, in order of the sink.
        where: which part of the source that is.
        kept: how much of it, in the measure of the relation.
        shares: that as a share of the source and of the sink.
    """
    if all(piece.verbatim for piece in pieces):
        kept_ranges = Ranges()
        kept_ranges.add(piece.source for piece in pieces)
        characters = len(kept_ranges)
        how = ""
    else:
        characters = min(round(shares[0] * len(source)), len(source) - 1)
        how = f"{manner(source, sink[pieces[0].sink[0] : pieces[-1].sink[1]])}; about "
    marked = "marked" if cut_is_marked(sink, [piece.sink for piece in pieces], where) else "not marked"
    detail = f"{how}{_number(characters)} of {_number(len(source))} characters kept ({where}); the cut is {marked}"
    return Relation(LinkKind.TRUNCATED, tuple(pieces), detail, kept, *shares)


def _excerpt(source: str, sink: str, pieces: Sequence[Piece]) -> Relation | None:
    """The longest verbatim piece as a copy of a part."""
    exact = [piece for piece in pieces if piece.verbatim]
    if not exact:
        return None
    best = max(exact, key=lambda piece: piece.source[1] - piece.source[0])
    length = best.source[1] - best.source[0]
    detail = f"an excerpt of {_number(length)} of {_number(len(source))} characters"
    return Relation(LinkKind.COPIED, (best,), detail, length, length / len(source), length / max(len(sink), 1))


def _pieces(source: Normal, sink: Normal, runs: Sequence[Run]) -> tuple[Piece, ...]:
    """The character ranges of the runs; verbatim ones reach as far as the texts agree, up to their neighbours."""
    pieces: list[Piece] = []
    low = 0
    for number, run in enumerate(runs):
        last = number + 1 == len(runs)
        high = len(sink.text) if last else sink.offset(runs[number + 1].sink)
        piece = _verbatim_piece(source, sink, run, low, high)
        if piece is None:
            end = run.source + run.length, run.sink + run.length
            piece = Piece(source.range(run.source, end[0]), sink.range(run.sink, end[1]), False)
        pieces.append(piece)
        low = piece.sink[1]
    return tuple(pieces)


def _verbatim_piece(source: Normal, sink: Normal, run: Run, low: int, high: int) -> Piece | None:
    """The characters around the middle of a run that agree, when these are all of it but for chance at its ends.

    Normalised texts may agree a few letters further than the texts themselves, across a cut and the mark behind it.
    """
    half = run.length // 2
    a, c = source.offset(run.source + half), sink.offset(run.sink + half)
    ahead = agree_forward(source.text, a, sink.text[c:high], 0)
    back = agree_backward(source.text, a, sink.text, c, min(a, c - low))
    slack = min(CHANCE, run.length // 4)
    first, last = source.offset(run.source + slack), source.offset(run.source + run.length - 1 - slack)
    if a - back > first or a + ahead <= last:
        return None
    return Piece((a - back, a + ahead), (c - back, c + ahead), True)


@dataclass(frozen=True)
class _Loss:
    """What of the source no run covers: before the first, after the last, and the gaps between.

    Gaps that are the same but for digits (line numbers put in or taken out) or too small to be a cut count as kept.
    """

    head: int
    inner: int
    largest_inner: int
    tail: int
    kept: int
    size: int

    @property
    def total(self) -> int:
        return self.head + self.inner + self.tail

    @property
    def wrapper(self) -> bool:
        """Whether what is lost at both ends is no more than tags or names around the rest."""
        return self.head <= WRAPPER and self.tail <= WRAPPER and self.kept > 4 * (self.head + self.tail)

    @classmethod
    def of(cls, source: Normal, sink: Normal, runs: Sequence[Run]) -> "_Loss":
        ordered = sorted(runs, key=lambda run: (run.source, -run.length))
        first = ordered[0]
        head = _unlike(source.data[: first.source], sink.data[max(first.sink - first.source - 32, 0) : first.sink])
        inner = largest = 0
        end, last = first.source + first.length, first
        for run in ordered[1:]:
            stop = run.source + run.length
            if stop <= end:
                continue
            gap = source.data[end : run.source]
            if gap:
                between = sink.data[last.sink + last.length : run.sink] if run.sink > last.sink else b""
                lost = 0 if len(gap) <= SMALL_GAP and between else _unlike(gap, between)
                inner, largest = inner + lost, max(largest, lost)
            end, last = stop, run
        after = sink.data[last.sink + last.length :][: len(source.data) - end + 32]
        tail = _unlike(source.data[end:], after)
        size = len(source.data)
        return cls(head, inner, largest, tail, size - head - inner - tail, size)

    def where(self, verbatim: bool) -> str:
        """Which part was kept when the loss is one cut (or one at each end), else the empty string."""
        slack = 0 if verbatim else max(WRAPPER, self.size // 20)
        cut_head, cut_tail = self.head > slack, self.tail > slack
        at_the_ends = self.head <= max(slack, EDGE) and self.tail <= max(slack, EDGE)
        if at_the_ends and self.largest_inner > slack and self.largest_inner >= MOSTLY * self.total:
            return "head and tail"
        covered = self.size - self.head - self.tail
        if self.inner > (1 - MOSTLY) * max(covered, 1):
            return ""
        if cut_head and cut_tail:
            return "middle"
        if cut_tail:
            return "head"
        return "tail" if cut_head else ""


def _unlike(lost: bytes, instead: bytes) -> int:
    """Length of a gap, 0 when the sink has the same there but for digits."""
    if not lost:
        return 0
    if len(lost) <= 4096:
        plain = lost.translate(None, b"0123456789")
        if plain and plain in instead.translate(None, b"0123456789"):
            return 0
    return len(lost)


def _number(value: int) -> str:
    return f"{value:,}".replace(",", " ")


_TOKEN = re.compile(r"\w")


def delimited(text: str, start: int, end: int) -> bool:
    """Whether the range is not part of a longer word or number."""
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (
        (before and _TOKEN.match(before) and _TOKEN.match(text[start]))
        or (after and _TOKEN.match(after) and _TOKEN.match(text[end - 1]))
    )

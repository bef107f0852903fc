"""Values taken out of a record: a tool gives off `{"output": "…", "status": 0}`, the message holds the output."""

from collections.abc import Sequence

from harnessfix_ir.vocabulary import LinkKind

from .alignment import Run, extend_seeds
from .normal import Normal
from .records import Leaf
from .relation import Piece, Relation, relate, whole_copy

MOST_SEEDS = 64
WIDTH = 8
SURE = 8
LEAST_PART = 48
WHOLE = 0.95


def value_in(source: Normal, sink: Normal, start: int = 0) -> Relation | None:
    """The relation when the sink from `start` on is one of the record's values, or holds one that is most of it."""
    wanted = sink.text[start:].strip()
    for leaf in source.leaves:
        words = leaf.text.strip()
        if not words or (words != wanted and (len(words) < SURE or not leaf.is_most_of(source.text))):
            continue
        at = sink.text.find(words, start)
        if at < 0:
            continue
        inner = Normal(leaf.text)
        lead = len(leaf.text) - len(leaf.text.lstrip())
        relation = whole_copy(inner, sink, at - lead)
        if relation is not None:
            return _of_record(relation, leaf, source)
    return None


def relate_value(source: Normal, sink: Normal, runs: Sequence[Run], cuttable: bool) -> Relation | None:
    """How the value of a record that the runs lie in relates to the sink; None when the source is no record.

    Args:
        source, sink, runs, cuttable: as for `relate`.
    """
    if not source.leaves or not runs:
        return None
    longest = max(runs, key=lambda run: run.length)
    sample = sink.data[longest.sink : longest.sink + longest.length]
    for leaf in source.leaves:
        inner = Normal(leaf.text)
        if not leaf.is_most_of(source.text):
            break
        if sample not in inner.data:
            continue
        seeds = [(inner.data.find(sink.data[run.sink : run.sink + WIDTH]), run.sink) for run in runs[:MOST_SEEDS]]
        found = extend_seeds(inner.data, sink.data, [seed for seed in seeds if seed[0] >= 0], WIDTH)
        relation = relate(inner, sink, found, cuttable)
        small = relation is not None and relation.kept < LEAST_PART and relation.source_share < WHOLE
        return None if relation is None or relation.is_excerpt or small else _of_record(relation, leaf, source)
    return None


def _of_record(relation: Relation, leaf: Leaf, source: Normal) -> Relation:
    """The relation of a value, told as one of the record that it stands in."""
    plain = leaf.end - leaf.start == len(leaf.text)
    pieces = tuple(
        piece._replace(
            source=(leaf.start + piece.source[0], leaf.start + piece.source[1]) if plain else (leaf.start, leaf.end),
            verbatim=piece.verbatim and plain,
        )
        for piece in relation.pieces
    )
    if not plain:
        pieces = (Piece((leaf.start, leaf.end), relation.sink, False),)
    kind = LinkKind.TRANSFORMED if relation.kind is LinkKind.COPIED else relation.kind
    part = "whole" if relation.detail.startswith("whole") else relation.detail
    return relation._replace(kind=kind, pieces=pieces, detail=f"a value of its record: {part}")

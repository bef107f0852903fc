"""The text that a call's id names, found in the answer to the call without fingerprints."""

import json

import pytest

from harnessfix_ir.compiler.provenance.named import answer_of
from harnessfix_ir.compiler.provenance.relation import Relation
from harnessfix_ir.vocabulary import LinkKind

LOG = "".join(f"{n:03} the crate of number {n * 37 % 101} was put on shelf {n * n % 13}\n" for n in range(40))
RECORD = json.dumps({"crates": [{"number": n * 37 % 101, "shelf": n * n % 13} for n in range(40)]})


def found(source: str, sink: str) -> Relation:
    relation = answer_of(source, sink, cuttable=True)
    assert relation is not None
    return relation


WIDE = "七偠亙亷側丁凗三廠丅七万亰丈" * 9


@pytest.mark.parametrize("source", [LOG, RECORD, WIDE, "line\r\nline two, which is longer\r\n"])
def test_a_whole_text_in_a_template(source: str) -> None:
    relation = found(source, f"Observation:\n{source}\nNow go on.")
    assert (relation.kind, relation.detail) == (LinkKind.COPIED, "whole, inside a longer text")
    assert (relation.source, relation.sink) == ((0, len(source)), (13, 13 + len(source)))


@pytest.mark.parametrize(
    ("kept", "where"),
    [(((0, 900),), "head"), (((1200, len(LOG)),), "tail"), (((0, 700), (1500, len(LOG))), "head and tail")],
)
def test_kept_ends(kept: tuple[tuple[int, int], ...], where: str) -> None:
    mark = "\n[... 412 characters omitted ...]\n"
    words = mark.join(LOG[start:end] for start, end in kept)
    words = words + mark if where == "head" else mark + words if where == "tail" else words
    relation = found(LOG, f"Seen: {words}")
    assert relation.kind is LinkKind.TRUNCATED
    assert f"({where}); the cut is marked" in relation.detail
    assert tuple(piece.source for piece in relation.pieces) == kept


def test_the_head_of_a_record_is_a_cut_and_a_value_of_it_is_none() -> None:
    assert found(RECORD, f"Observation: {RECORD[:700]} ...").kind is LinkKind.TRUNCATED
    listed = json.dumps(["a short one", "x = 1\n" * 60, LOG])
    assert answer_of(listed, f"Observation: {listed[-900:]}", cuttable=True) is None


def test_lines_with_something_before_each() -> None:
    numbered = "\n".join(f"{n:>5}\t{line}" for n, line in enumerate(LOG.splitlines(), 1))
    quoted = "".join(f"> {line}\n" for line in LOG.splitlines())
    for sink, how in ((numbered, "line-numbered"), (quoted, "quoted")):
        relation = found(LOG, f"Seen:\n{sink}")
        assert (relation.kind, relation.detail) == (LinkKind.TRANSFORMED, f"{how}; nothing lost")
        assert len(relation.pieces) == 40
        for piece in relation.pieces:
            assert LOG[slice(*piece.source)] == f"Seen:\n{sink}"[slice(*piece.sink)]


def test_lines_in_another_order_are_not_believed() -> None:
    lines = LOG.splitlines()
    lines[20], lines[21] = lines[21], lines[20]
    assert answer_of(LOG, "\n".join(f"> {line}" for line in lines), cuttable=True) is None


@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_json_string(ascii_only: bool) -> None:
    source = 'the "crate" is\nна полке\t七\n' * 8
    sink = json.dumps({"output": source, "status": 0}, ensure_ascii=ascii_only)
    relation = found(source, sink)
    assert relation.detail == "escaped as a JSON string; nothing lost"
    assert json.loads(f'"{sink[slice(*relation.sink)]}"') == source[slice(*relation.source)]


@pytest.mark.parametrize(
    "sink",
    [
        pytest.param(LOG + "and, by the way, there are some forty more crates in the yard behind it", id="more words"),
        pytest.param("Seen: " + LOG[:20], id="too little"),
        pytest.param(LOG[:-20] + "on the shelf of that number", id="its end in other words"),
        pytest.param("nothing of it at all", id="nothing"),
        pytest.param("", id="empty"),
    ],
)
def test_what_else_is_in_an_answer_is_left_to_fingerprints(sink: str) -> None:
    assert answer_of(LOG, sink, cuttable=True) is None


def test_what_a_model_wrote_is_not_cut() -> None:
    assert answer_of(LOG, LOG[:900], cuttable=False) is None


@pytest.mark.parametrize("source", ["", " \n", "x", "\n\n\n"])
def test_texts_without_words(source: str) -> None:
    assert answer_of(source, "Observation: \n\n\n", cuttable=True) is None

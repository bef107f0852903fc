"""Runs of eight bytes are found wherever they stand, whatever text they stand in."""

import random

import pytest

from harnessfix_ir.compiler.provenance import fingerprints
from harnessfix_ir.compiler.provenance.eights import WIDTH, eights_of, find_eights


def _rows(texts: list[bytes], wanted: list[bytes]) -> list[tuple[int, int, int]]:
    return list(zip(*(column.tolist() for column in find_eights(texts, wanted))))


def _plainly(texts: list[bytes], wanted: list[bytes]) -> list[tuple[int, int, int]]:
    return [
        (number, which, at)
        for number, word in enumerate(wanted)
        for which, text in enumerate(texts)
        for at in range(len(text))
        if text[at : at + WIDTH] == word
    ]


@pytest.mark.parametrize("chunk", [16, 64, 1 << 14])
def test_every_place_is_found_in_order(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "CHUNK", chunk)
    made = random.Random(5)
    texts = [bytes(made.choices(b"ab", k=made.choice((0, 3, 7, 8, 9, 40, 200)))) for _ in range(40)]
    wanted = [b"abababab", b"aaaaaaaa", b"zzzzzzzz", b"abbaabba", b"bbbbbbbb"]
    assert _rows(texts, wanted) == _plainly(texts, wanted) != []


def test_what_reaches_from_one_text_into_the_next_is_not_found() -> None:
    assert _rows([b"xxxxneed", b"le12yyyy"], [b"needle12"]) == []


def test_nothing_is_found_in_nothing() -> None:
    assert _rows([], [b"needle12"]) == _rows([b"short"], [b"needle12"]) == []


def test_different_runs_have_different_numbers() -> None:
    data = bytes(random.Random(3).choices(range(256), k=5000))
    numbers = eights_of(data).tolist()
    assert len(numbers) == len(data) - WIDTH + 1
    runs = [data[at : at + WIDTH] for at in range(len(numbers))]
    assert len(set(numbers)) == len(set(runs))
    assert not len(eights_of(b"1234567"))

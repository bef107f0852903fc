"""Fingerprints: what two texts share leaves one in common, and a text that repeats itself has few."""

import random
from collections.abc import Iterator

import pytest

from harnessfix_ir.compiler.provenance.fingerprints import WINDOW, K, fingerprint

SHARED = K + WINDOW - 1


def _prints(*texts: bytes) -> list[set[int]]:
    """The hashes of each text."""
    found: list[set[int]] = [set() for _ in texts]
    ends = [sum(map(len, texts[: number + 1])) for number in range(len(texts))]
    for prints in fingerprint(texts):
        for value, place in zip(prints.hash.tolist(), prints.place.tolist()):
            found[next(number for number, end in enumerate(ends) if place < end)].add(value)
    return found


def _periodic(made: random.Random) -> Iterator[bytes]:
    """Stretches of text, most of which repeat a few letters."""
    for _ in range(12):
        unit = bytes(made.choices(b"abcd", k=made.choice((1, 1, 2, 3, 5, 8, 13, 40))))
        yield (unit * 200)[: made.randint(20, 160)]


@pytest.mark.parametrize("seed", range(40))
def test_a_shared_run_leaves_a_common_fingerprint(seed: int) -> None:
    made = random.Random(seed)
    one = b"".join(_periodic(made))
    start = made.randrange(len(one) - SHARED)
    shared = one[start : start + SHARED]
    first, second, third = _prints(one, b"".join(_periodic(made)) + shared + b"".join(_periodic(made)), shared)
    assert first & third
    assert second & third


@pytest.mark.parametrize("period", range(1, 40))
def test_a_text_that_repeats_itself_has_few_fingerprints(period: int) -> None:
    text = (bytes(random.Random(period).choices(b"abcdefgh", k=period)) * 50_000)[:50_000]
    assert sum(len(prints.hash) for prints in fingerprint([text])) < len(text) / 4

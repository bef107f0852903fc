"""Ends of a text that a cut left standing."""

import pytest

from harnessfix_ir.compiler.provenance.ends import kept_ends

FRAME = '  File "agent.py", line {0}, in step\n    return self.step(depth - 1)\n           ^^^^^^^^^^^^^^^^^^^^\n'
TRACE = (
    "Traceback (most recent call last):\n" + "".join(map(FRAME.format, range(20, 32))) + "RecursionError: too deep\n"
)


@pytest.mark.parametrize(
    ("kept", "where"),
    [(((0, 300),), "head"), (((-300, None),), "tail"), (((0, 200), (-250, None)), "head and tail")],
)
def test_a_cut_through_text_that_repeats_itself(kept: tuple[tuple[int, int | None], ...], where: str) -> None:
    pieces = [TRACE[slice(*span)].strip("\n") for span in kept]
    sink = "<output>\n" + "\n[… shortened …]\n".join(pieces) + "\n</output>"
    found = kept_ends(TRACE, sink, sum(map(len, pieces)), 9, len(sink) - 10)
    assert found is not None
    assert found[0] == where
    assert [TRACE[slice(*source)].strip() for source, _ in found[1]] == [piece.strip() for piece in pieces]
    assert [sink[slice(*there)].strip() for _, there in found[1]] == [piece.strip() for piece in pieces]


def test_more_than_the_ends_is_no_cut() -> None:
    rewritten = TRACE[:120] + "".join(f"{n}: {line}\n" for n, line in enumerate(TRACE.split("\n")[4:30]))
    assert kept_ends(TRACE, rewritten, len(rewritten), 0, len(rewritten)) is None


def test_ends_that_stand_in_the_wrong_order_are_no_cut() -> None:
    sink = TRACE[-200:] + TRACE[:200]
    assert kept_ends(TRACE, sink, len(sink), 0, len(sink)) is None


def test_a_short_text_has_no_ends() -> None:
    assert kept_ends("short text", "a short text", 10, 2, 12) is None

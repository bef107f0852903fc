"""Killed at a random moment; `harnessfix bench kills` does it a hundred times."""

from benchmarks.kills import COUNTED, measure


def test_nothing_is_lost_or_doubled_or_left_behind_by_kills() -> None:
    found = measure(points=1, seed=7)
    assert found["points"] >= 1
    assert {name: found[name] for name in COUNTED} == dict.fromkeys(COUNTED, 0)

"""Links of generated runs against what is known to hold in them; more runs and figures in `benchmarks/links.py`."""

from collections import Counter

import pytest

from benchmarks.compile import agent
from benchmarks.links import Counts, rates, score, score_ranges
from benchmarks.truth import TrueRun
from harnessfix_ir.compiler import compile_run
from harnessfix_ir.integrity import check_integrity
from harnessfix_ir.serial import dump_htir, load_htir
from harnessfix_ir.vocabulary import LinkKind

SEEDS = range(7000, 7014)
CONTROL = ("iteration", "branch", "retry_of", "delegated_to", "terminated_by", "handled_by", "guarded_by")
LEAST = {LinkKind.COPIED: 0.98, LinkKind.TRUNCATED: 0.95, LinkKind.TRANSFORMED: 0.9, LinkKind.OMITTED: 0.9}


@pytest.fixture(scope="module")
def found() -> tuple[dict[str, float], list[float]]:
    counts: Counts = Counter()
    overlaps: list[float] = []
    for seed in SEEDS:
        recording, truth = TrueRun(seed).make()
        htir = compile_run(recording)
        check_integrity(htir)
        score(htir, truth, counts)
        overlaps += score_ranges(htir, truth)
    return rates(counts), overlaps


@pytest.mark.parametrize("kind", LEAST)
def test_data_links_are_found_and_right(found: tuple[dict[str, float], list[float]], kind: LinkKind) -> None:
    assert found[0][f"{kind}.recall"] >= LEAST[kind]
    assert found[0][f"{kind}.precision"] >= LEAST[kind]


@pytest.mark.parametrize("kind", [*CONTROL, "wrote_read"])
def test_control_and_state_links_are_found_and_right(found: tuple[dict[str, float], list[float]], kind: str) -> None:
    assert found[0][f"{kind}.recall"] == found[0][f"{kind}.precision"] == 1


def test_kept_ranges_are_those_that_were_kept(found: tuple[dict[str, float], list[float]]) -> None:
    assert len(found[1]) > 10
    assert sum(found[1]) / len(found[1]) > 0.95


def test_a_resent_history_gives_as_many_links_a_step_however_long_it_is() -> None:
    short, long = compile_run(agent(60)), compile_run(agent(240))
    assert len(long.links) / len(long.steps) < 1.1 * len(short.links) / len(short.steps)
    assert len(dump_htir(long)) < 6 * len(dump_htir(short))
    assert load_htir(dump_htir(long)) == long

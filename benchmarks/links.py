"""How well links are found, on runs whose truth is known.

    python benchmarks/links.py [RUNS]

prints, for texts that were made up and for others that were found, for each relation, precision and recall over the
pairs of steps; for truncations, how well the stated ranges agree with those that were kept; and how many steps lead to
their function when the run does not say where it ran.
"""

import json
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.fates import Ranges
from benchmarks.found import FoundWriter
from benchmarks.texts import Writer
from benchmarks.truth import TrueRun, Truth
from harnessfix_ir.compiler import compile_run
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import LinkKind

SCORED = (
    LinkKind.COPIED,
    LinkKind.TRUNCATED,
    LinkKind.TRANSFORMED,
    LinkKind.OMITTED,
    LinkKind.ITERATION,
    LinkKind.BRANCH,
    LinkKind.RETRY_OF,
    LinkKind.DELEGATED_TO,
    LinkKind.TERMINATED_BY,
    LinkKind.HANDLED_BY,
    LinkKind.GUARDED_BY,
    LinkKind.WROTE_READ,
)
Counts = Counter[tuple[LinkKind, str]]


def score(htir: Htir, truth: Truth, counts: Counts) -> None:
    """Count right, wrong and missed relations of one run."""
    stated = {(link.kind, link.source, link.target) for link in htir.links if link.kind in SCORED}
    stated = {entry for entry in stated if entry[0] is not LinkKind.OMITTED or entry[1] not in truth.neutral}
    for entry in stated:
        counts[entry[0], "right" if entry in truth.links else "wrong"] += 1
    for entry in truth.links - stated:
        counts[entry[0], "missed"] += 1


def rates(counts: Counts) -> dict[str, float]:
    """Precision and recall of each relation that occurred."""
    metrics = {}
    for kind in SCORED:
        right, wrong, missed = (counts[kind, name] for name in ("right", "wrong", "missed"))
        if right + wrong:
            metrics[f"{kind}.precision"] = right / (right + wrong)
        if right + missed:
            metrics[f"{kind}.recall"] = right / (right + missed)
    return metrics


def score_ranges(htir: Htir, truth: Truth) -> list[float]:
    """For each truncation that was found, the overlap of stated and true source ranges: intersection over union."""
    overlaps = []
    for link in htir.links:
        kept = truth.kept.get(link.source)
        if link.kind is not LinkKind.TRUNCATED or kept is None or link.source_span is None:
            continue
        if (link.kind, link.source, link.target) in truth.links:
            pairs = link.pieces or ((link.source_span, link.source_span),)
            overlaps.append(_overlap([(source.start, source.end) for source, _ in pairs], kept))
    return overlaps


def _overlap(first: Ranges, second: Ranges) -> float:
    a = {n for start, end in first for n in range(start, end)}
    b = {n for start, end in second for n in range(start, end)}
    return len(a & b) / max(len(a | b), 1)


def measure_texts(writer: type[Writer], runs: int, turns: int, first_seed: int) -> dict[str, float]:
    """Make so many runs with texts of one writer, compile them and score the links."""
    counts: Counts = Counter()
    overlaps: list[float] = []
    for seed in range(first_seed, first_seed + runs):
        recording, truth = TrueRun(seed, turns, writer=writer).make()
        htir = compile_run(recording)
        score(htir, truth, counts)
        overlaps += score_ranges(htir, truth)
    return {**rates(counts), "truncated.range_overlap": sum(overlaps) / max(len(overlaps), 1)}


def measure(runs: int = 60, turns: int = 12, first_seed: int = 1000, *, whole: bool = True) -> dict[str, float]:
    """Rates between 0 and 1 on made-up texts, the same on found ones (`found.*`), and of the anchors.

    Args:
        runs, turns, first_seed: how many runs of how many turns are made, and from which seed on.
        whole: whether anchors are measured on the scenarios of all frameworks, which takes minutes.
    """
    from benchmarks import anchors

    made = measure_texts(Writer, runs, turns, first_seed)
    found = measure_texts(FoundWriter, runs, turns, first_seed)
    return {**made, **{f"found.{name}": value for name, value in found.items()}, **anchors.measure(whole=whole)}


def main(arguments: list[str]) -> None:
    """Print the metrics as JSON."""
    print(json.dumps({"bench": "links", "metrics": measure(int(arguments[0]) if arguments else 60)}, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])

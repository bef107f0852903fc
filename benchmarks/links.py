"""How well links are found, on runs whose truth is known.

    python -m benchmarks.links [RUNS]

prints, for each relation, precision and recall over the pairs of steps, and for truncations how well the kept ranges
agree.
"""

import json
import sys
from collections import Counter

from harnessfix_ir.compiler import compile_run
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import LinkKind

from .truth import TrueRun, Truth

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
)
Counts = Counter[tuple[LinkKind, str]]


def score(htir: Htir, truth: Truth, counts: Counts, trouble: list[str] | None = None) -> None:
    """Count right, wrong and missed relations of one run."""
    stated = {(link.kind, link.source, link.target) for link in htir.links if link.kind in SCORED}
    stated = {entry for entry in stated if entry[0] is not LinkKind.OMITTED or entry[1] not in truth.neutral}
    for entry in stated:
        counts[entry[0], "right" if entry in truth.links else "wrong"] += 1
    for entry in truth.links - stated:
        counts[entry[0], "missed"] += 1
    if trouble is not None:
        trouble += [f"{htir.run.id} wrong {e}" for e in sorted(stated - truth.links)]
        trouble += [f"{htir.run.id} missed {e}" for e in sorted(truth.links - stated)]


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


def run(runs: int = 60, turns: int = 12, first_seed: int = 1000) -> dict[str, float]:
    """Make so many runs, compile them and score the links; returns rates between 0 and 1."""
    counts: Counts = Counter()
    for seed in range(first_seed, first_seed + runs):
        recording, truth = TrueRun(seed, turns).make()
        score(compile_run(recording), truth, counts)
    return rates(counts)


def main(arguments: list[str]) -> None:
    """Print the metrics as JSON."""
    runs = int(arguments[0]) if arguments else 60
    print(json.dumps({"bench": "links", "metrics": run(runs)}, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])

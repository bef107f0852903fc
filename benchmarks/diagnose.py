"""What it costs to diagnose a compiled run, how that grows, and what many runs' findings take to be added up.

    python benchmarks/diagnose.py

prints processor time for one run of 60 steps that no rule has been asked of before (rules and verdict apart), the
exponent of growth up to 1,920 steps, the rules that take most of it, and the memory that 10,000 runs' findings take
as a multiple of what 1,000 runs' take.
"""

import gc
import json
import math
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.compile import agent
from harnessfix.diagnoser import consolidate, diagnose_run, flaw_id
from harnessfix.diagnoser.attribution import attribute
from harnessfix.rules import Rule, all_rules
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.compiler import compile_run
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.source import read_harness
from harnessfix_ir.vocabulary import Evidence, Layer, Outcome, Severity

SIZES = (60, 240, 960, 1_920)
RUNS = (1_000, 10_000)
FLAWS = 40  # different ones, however many runs
EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "shipmate" / "shipmate"


def compiled(steps: int, model: HarnessModel) -> Htir:
    """A failed run of about so many steps, compiled."""
    run = compile_run(agent(steps), model)
    return run.model_copy(update={"run": run.run.model_copy(update={"outcome": Outcome.FAILED})})


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Processor time, the best of several."""
    best = math.inf
    for _ in range(repeats):
        gc.collect()
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def findings(runs: int) -> Iterator[Diagnosis]:
    """Four findings a run, of a fixed number of flaws."""
    for run in range(runs):
        for number in range(4):
            name = f"Agent.step_{(run * 4 + number) % FLAWS}"
            place = Anchor(path="agent.py", qualname=name, start_line=10, end_line=20)
            yield Diagnosis(
                flaw=flaw_id("C102", place),
                rule="C102",
                name="truncation-drops-the-evidence",
                layer=Layer.CONTEXT,
                severity=Severity.WARNING,
                run=f"run-{run:032d}",
                responsible_step="s14",
                anchors=(place,),
                message=f"1,200 of the 7,938 characters of read_file (s14) reached request s15 of run {run}.",
                confidence=0.8,
                evidence=Evidence.DERIVED,
            )


def peak(runs: int) -> tuple[float, float]:
    """Megabytes that adding up takes at most, and processor seconds."""
    outcomes = {f"run-{run:032d}": Outcome.FAILED if run % 3 else Outcome.PASSED for run in range(runs)}
    started = time.process_time()
    records = consolidate(findings(runs), outcomes, [], {})
    taken = time.process_time() - started
    assert len(records) == FLAWS
    tracemalloc.start()
    consolidate(findings(runs), outcomes, [], {})
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 1e6, taken


def first_time(size: int, model: HarnessModel, rules: Sequence[Rule], repeats: int) -> float:
    """Processor time of diagnosing a run that no rule has been asked of before, the best of several such runs."""
    runs = iter([compiled(size, model) for _ in range(repeats)])
    return seconds(lambda: diagnose_run(next(runs), model, rules), repeats)


def slowest(run: Htir, model: HarnessModel, most: int = 5) -> list[tuple[str, float]]:
    """Rules by milliseconds on one run."""
    taken: Counter[str] = Counter()
    for rule in all_rules():
        taken[rule.code] = seconds(lambda rule=rule: list(rule.check_run(run, model)), 3)  # type: ignore[misc]
    return [(code, round(1e3 * value, 2)) for code, value in taken.most_common(most)]


def measure() -> dict[str, float]:
    """Measure."""
    rules, model = all_rules(), read_harness([EXAMPLE])
    taken, judged = {}, {}
    for size in SIZES:
        run = compiled(size, model)
        found = diagnose_run(run, model, rules).diagnoses
        taken[size] = first_time(size, model, rules, 5 if size < 500 else 2)
        judged[size] = seconds(lambda run=run, found=found: attribute(run, model, found), 5)  # type: ignore[misc]
    grown = math.log(SIZES[-1] / SIZES[0])
    few, many = (peak(runs) for runs in RUNS)
    return {
        "ms_60_steps": round(1e3 * taken[60], 2),
        "ms_verdict_60_steps": round(1e3 * judged[60], 2),
        "growth_exponent": round(math.log(taken[SIZES[-1]] / taken[SIZES[0]]) / grown, 3),
        "verdict_growth_exponent": round(math.log(judged[SIZES[-1]] / judged[SIZES[0]]) / grown, 3),
        "consolidate_mb_1000_runs": round(few[0], 2),
        "consolidate_mb_10000_runs": round(many[0], 2),
        "consolidate_bytes_per_further_run": round(1e6 * (many[0] - few[0]) / (RUNS[1] - RUNS[0]), 1),
        "consolidate_findings_per_s": round(4 * RUNS[1] / many[1]),
    }


def main() -> None:
    """Print the metrics, and the slowest rules."""
    model = read_harness([EXAMPLE])
    print(json.dumps({"bench": "diagnose", "metrics": measure()}, indent=2))
    for size in (SIZES[0], SIZES[-1]):
        shown = ", ".join(f"{code} {value} ms" for code, value in slowest(compiled(size, model), model))
        print(f"slowest rules at {size} steps: {shown}")


if __name__ == "__main__":
    main()

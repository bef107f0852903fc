"""How the compiler grows: an agent that resends its whole history, from 50 to 5,000 steps.

    python benchmarks/compile.py

prints seconds (processor time of this process alone, the best of several, so that other work on the machine matters
little), the exponent of growth, and the most memory that compiling takes as a multiple of the distinct text of the run.
"""

import gc
import json
import math
import sys
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.truth import Style, TrueRun
from harnessfix_ir.compiler import compile_run
from harnessfix_ir.recording import Recording

SIZES = (50, 500, 5000)
RESENDING = Style(
    call_ids=True,
    role="tool",
    template="Observation:\n{}\n",
    fates=("copy", "copy", "copy", "cut tail", "cut middle", "number", "escape"),
    parallel=0.0,
    retry=0.0,
    handoff=0.0,
    rerun=0.0,
)


def agent(steps: int, seed: int = 5) -> Recording:
    """A run of about so many steps: a model call and a tool call in turn, each request holding all before it."""
    return TrueRun(seed, steps // 2, RESENDING).make()[0]


def seconds(recording: Recording, repeats: int) -> float:
    """Processor time of compiling a recording, the best of several."""
    best = math.inf
    for _ in range(repeats):
        gc.collect()
        started = time.process_time()
        compile_run(recording)
        best = min(best, time.process_time() - started)
    return best


def peak_ratio(recording: Recording) -> float:
    """Most memory allocated while compiling, links and all, per byte of distinct text."""
    text = sum(len(text.encode("utf-8", "surrogatepass")) for text in recording.texts.values())
    tracemalloc.start()
    compile_run(recording)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / text


def measure(sizes: Sequence[int] = SIZES) -> dict[str, float]:
    """Measure; the exponent is that of the least and the greatest size."""
    compile_run(agent(20))
    taken = {}
    for size in sizes:
        recording = agent(size)
        taken[size] = seconds(recording, 15 if size <= 500 else 2)
    least, greatest = min(sizes), max(sizes)
    exponent = math.log(taken[greatest] / taken[least]) / math.log(greatest / least)
    metrics = {f"seconds_{size}_steps": round(value, 4) for size, value in taken.items()}
    return {**metrics, "growth_exponent": round(exponent, 3), "peak_ratio_to_text": round(peak_ratio(agent(500)), 2)}


def main() -> None:
    """Print the metrics as JSON."""
    print(json.dumps({"bench": "compile", "metrics": measure()}, indent=2))


if __name__ == "__main__":
    main()

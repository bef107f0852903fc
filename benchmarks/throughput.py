"""Compiling and diagnosing runs: in this process, in one and two others, and on a Ray cluster with two workers.

    python -m benchmarks.throughput [RUNS]

`runs_per_cpu_second` and `spans_per_cpu_second` are those of one process; `cpu_ratio_processes_2` and `cpu_ratio_ray_2`
say what the others cost beside it (CPU seconds of all processes; starting Ray is told apart), `speedup_processes_2` and
`speedup_ray_2` what they gain in wall time, which means something on an idle machine only. `unchanged_ms_per_run` is a
check that finds nothing changed, `asked_again_ms_per_run` one with a new rule, both CPU. `growth_kib_per_run` is what
the memory of the process grows by from a quarter of the runs on.
"""

import importlib.util
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.store import STEPS, Words, run_of
from harnessfix.engines import Engine, Serial
from harnessfix.engines.processes import Processes
from harnessfix.pipeline import Pipeline
from harnessfix.rules import all_rules
from harnessfix.settings import load_settings
from harnessfix.store import Store
from harnessfix.workspace import Workspace
from harnessfix_collectors.readers import read_bytes

TICK = os.sysconf("SC_CLK_TCK")
HARNESS = Path(__file__).parents[1] / "examples" / "tinyloop"


def measure(runs: int = 200) -> dict[str, float]:
    """All figures."""
    with tempfile.TemporaryDirectory(prefix="harnessfix-bench-") as scratch:
        made = Path(scratch) / "made"
        _fill(made, runs)
        figures: dict[str, float] = {}
        memory: list[int] = []
        serial = _timed(made, Path(scratch) / "serial", lambda count: Serial(), memory)
        figures["runs_per_cpu_second"] = runs / serial[0]
        figures["spans_per_cpu_second"] = runs * STEPS / serial[0]
        quarter = memory[len(memory) // 4]
        figures["growth_kib_per_run"] = (memory[-1] - quarter) / 1024 / (len(memory) - len(memory) // 4)
        again = _check(Path(scratch) / "serial", lambda count: Serial(), rules=len(all_rules()))
        figures["unchanged_ms_per_run"] = again[0] * 1000 / runs
        fewer = Path(scratch) / "fewer"
        shutil.copytree(made, fewer)
        _check(fewer, lambda count: Serial(), rules=len(all_rules()) - 1)
        figures["asked_again_ms_per_run"] = _check(fewer, lambda count: Serial())[0] * 1000 / runs
        for workers in (1, 2):
            taken = _timed(made, Path(scratch) / f"processes-{workers}", lambda count, n=workers: Processes(n), [])
            figures[f"cpu_ratio_processes_{workers}"] = taken[0] / serial[0]
            figures[f"speedup_processes_{workers}"] = serial[1] / taken[1]
        if importlib.util.find_spec("ray") is not None:
            cluster = _Cluster()
            taken = _timed(made, Path(scratch) / "ray", lambda count: cluster, [])
            figures["ray_start_cpu_seconds"] = cluster.begun
            figures["cpu_ratio_ray_2"] = (taken[0] + cluster.taken) / serial[0]
            figures["speedup_ray_2"] = serial[1] / taken[1]
            cluster.ray.close()
        return figures


def _fill(folder: Path, runs: int) -> None:
    folder.mkdir()
    (folder / "harnessfix.toml").write_text(f'harness = ["{HARNESS}"]\n')
    words = Words(7)
    with Store.open(folder / "store.db") as store:
        for number in range(runs):
            data, _ = run_of(f"{number + 1:032x}", words, 10**18 + number)
            recordings = list(read_bytes(data, "run.jsonl", "otlp-json"))
            store.add(data, format="otlp-json", filename="run.jsonl", recordings=recordings)


def _timed(made: Path, folder: Path, engine: Callable[[int], Engine], memory: list[int]) -> tuple[float, float]:
    shutil.copytree(made, folder)
    return _check(folder, engine, memory)


def _check(
    folder: Path, engine: Callable[[int], Engine], memory: list[int] | None = None, rules: int = 10_000
) -> tuple[float, float]:
    """CPU and wall seconds of one check."""
    chosen = list(all_rules())[:rules]
    with Store.open(folder / "store.db") as store:
        pipeline = Pipeline(Workspace(load_settings(folder, {}), store), lambda run: _note(memory))
        pipeline.model(pipeline.workspace.roots())
        cpu, wall = _cpu(), time.perf_counter()
        pipeline.diagnose(None, chosen, engine=engine)
        return _cpu() - cpu, time.perf_counter() - wall


class _Cluster:
    """A Ray engine of two workers that outlives the check, so that what its processes took can be read."""

    shared, workers = True, 2

    def __init__(self) -> None:
        from harnessfix.engines.ray import Ray

        self.ray = Ray(2)
        self.run = self.ray.run
        self.begun, self.taken = _descendants(), 0.0

    def close(self) -> None:
        """The check is done."""
        self.taken = _descendants() - self.begun


def _cpu() -> float:
    """CPU seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _descendants() -> float:
    """CPU seconds of all processes below this one that live."""
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(entry.parent.name)
        parents[pid], seconds[pid] = int(fields[1]), (int(fields[11]) + int(fields[12])) / TICK
    below = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in below and pid not in below}:
        below |= more
    return sum(seconds[pid] for pid in below - {os.getpid()})


def _note(memory: list[int] | None) -> None:
    if memory is not None:
        memory.append(int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE"))


if __name__ == "__main__":
    for name, value in measure(*(int(argument) for argument in sys.argv[1:2])).items():
        print(f"{name} {value:.3f}")

"""One form for all measurements: `{"bench", "metrics", "cases", "machine"}`."""

import importlib.util
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harnessfix_ir.errors import HarnessfixError

SCRIPTS = {
    "links": "links",
    "compile": "compile",
    "diagnose": "diagnose",
    "harness-model": "harness_model",
    "store": "store",
    "overhead": "overhead",
    "throughput": "throughput",
    "kills": "kills",
    "planted": "planted",
    "healthy": "healthy",
    "receiver": "receiver",
}

_RANKS = (("file", "file_rank"), ("function", "function_rank"))


def bench_document(name: str, metrics: Mapping[str, float], cases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The JSON document of one measurement."""
    machine = {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count() or 1}
    return {"bench": name, "metrics": dict(metrics), "cases": [dict(case) for case in cases], "machine": machine}


def run_benchmark(name: str, **options: Any) -> dict[str, float]:
    """Run a script of `benchmarks/` and return its figures by name.

    Args:
        name: of the measurement.
        options: for its `measure`.

    Raises:
        HarnessfixError: this is no checkout, so the scripts are not there.
    """
    path = Path(__file__).parents[2] / "benchmarks" / f"{SCRIPTS[name]}.py"
    if not path.is_file():
        raise HarnessfixError("the benchmarks are not installed", hint="Run this from a checkout of harnessfix.")
    sys.path.insert(0, str(path.parent))
    try:
        spec = importlib.util.spec_from_file_location(f"harnessfix_benchmark_{SCRIPTS[name]}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        measure = module.measure if hasattr(module, "measure") else module.run
        return {key: float(value) for key, value in measure(**options).items()}
    finally:
        sys.path.remove(str(path.parent))


def print_bench(document: Mapping[str, Any]) -> Iterator[str]:
    """The document as lines of text."""
    width = max((len(name) for name in document["metrics"]), default=0)
    for case in document["cases"]:
        if "proposed" in case:
            yield _repaired(case)
            continue
        if "file_rank" in case:
            yield _led_to(case)
            continue
        rank = case.get("rank", 0)
        place = f"#{rank} {case.get('rule')}" if rank else "-"
        silent = {True: "silent on fixed", False: "SPEAKS on fixed", None: ""}[case.get("silent")]
        yield f"{case['name']:<48} {place:<10} {silent} {case.get('error', '')}".rstrip()
    for name, value in document["metrics"].items():
        yield f"{name:<{width}}  {value:g}"


def _led_to(case: Mapping[str, Any]) -> str:
    places = (f"{what} #{case[key]}" if case[key] else f"{what} -" for what, key in _RANKS)
    return f"{case['name']:<48} {'  '.join(f'{place:<13}' for place in places)} {case['error']}".rstrip()


def _repaired(case: Mapping[str, Any]) -> str:
    done = case.get("fixed") or case.get("restored")
    word = "repaired" if done else "patch" if case["proposed"] else "no patch"
    size = f"{case['changed']} lines" if case["proposed"] else ""
    return f"{case['name']:<48} {word:<10} {case['operator']:<22} {size:<10} {case['reason']} {case['error']}".rstrip()

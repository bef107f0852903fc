"""What `harnessfix bench` can measure, how, and what each figure aims at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from harnessfix_ir.errors import HarnessfixError

from .report import bench_document, run_benchmark

OWN = ("tinyloop", "shipmate")  # harnesses of the examples: no package has to be installed for them
EVERY = 6  # of the rules whose planted flaw a quick run repairs


class Progress(Protocol):
    """Told how far a measurement is."""

    def expect(self, total: int) -> None:
        """So many cases."""

    def advance(self, what: str = "") -> None:
        """The next case."""


@dataclass(frozen=True)
class Asked:
    """What a person wants measured.

    Args:
        folder: of the cases.
        repositories: folder of git repositories that cases come from.
        chosen: names of cases; all when empty.
        full: whether it may take long.
        phoenix: interpreter that can import arize-phoenix, to compare with.
        package_tests: folder of the tests of the packages that cases are of, as `bench.package_tests` describes it.
    """

    folder: Path | None = None
    repositories: Path | None = None
    chosen: tuple[str, ...] = ()
    full: bool = True
    phoenix: str | None = None
    package_tests: Path | None = None


@dataclass(frozen=True)
class Aim:
    """What a figure should be: at least or at most a number, or the figure of that name."""

    bound: float | str
    at_least: bool = True

    def value(self, metrics: Mapping[str, float]) -> float | None:
        """The number; None where the figure that it names was not measured."""
        return metrics.get(self.bound) if isinstance(self.bound, str) else self.bound

    def met(self, value: float, metrics: Mapping[str, float]) -> bool | None:
        """Whether `value` reaches it; None where it has no number."""
        bound = self.value(metrics)
        if bound is None:
            return None
        return value >= bound if self.at_least else value <= bound


def at_least(bound: float | str) -> Aim:
    """Not less."""
    return Aim(bound)


def at_most(bound: float | str) -> Aim:
    """Not more."""
    return Aim(bound, at_least=False)


@dataclass(frozen=True)
class Measurement:
    """One thing that is measured.

    Args:
        name: on the command line.
        measure: makes its document.
        aims: figure to aim.
        material: name of the folder of cases that it needs, empty when it makes its own.
        repositories: whether it needs git repositories as well.
    """

    name: str
    measure: Callable[[Asked, Progress], dict[str, Any]]
    aims: Mapping[str, Aim] = field(default_factory=dict)
    material: str = ""
    repositories: bool = False

    @property
    def usage(self) -> str:
        """How to run it alone."""
        cases = " FOLDER" if self.material else ""
        return f"harnessfix bench {self.name}{cases}{' --repositories DIR' if self.repositories else ''}"


def _script(name: str, quick: Mapping[str, Any], full: Mapping[str, Any]) -> Callable[[Asked, Progress], Any]:
    def measure(asked: Asked, progress: Progress) -> dict[str, Any]:
        return bench_document(name, run_benchmark(name, **(full if asked.full else quick)), [])

    return measure


def _receiver(asked: Asked, progress: Progress) -> dict[str, Any]:
    found = run_benchmark("receiver", long=asked.full, phoenix_python=asked.phoenix)
    return bench_document("receiver", found, [])


def _folder(asked: Asked, name: str) -> Path:
    if asked.folder is None:
        raise HarnessfixError(f"{name} needs the FOLDER of its cases", hint=f"Run: {MEASUREMENTS[name].usage}")
    return asked.folder


def _realbugs(asked: Asked, progress: Progress) -> dict[str, Any]:
    from . import realbugs

    folder = _folder(asked, "realbugs")
    names = _chosen(realbugs.cases(folder), asked)
    progress.expect(len(names))
    found = realbugs.measure(folder, names, tell=progress.advance)
    return bench_document("realbugs", realbugs.metrics(found), [vars(case) for case in found])


def _chosen(names: Sequence[str], asked: Asked) -> list[str]:
    return [name for name in names if not asked.chosen or name in asked.chosen]


def _harness_fixes(asked: Asked, progress: Progress) -> dict[str, Any]:
    from . import harness_fixes

    folder = _folder(asked, "harness-fixes")
    if asked.repositories is None:
        raise HarnessfixError(
            "harness-fixes needs the repositories that its cases come from",
            hint=f"Run: {MEASUREMENTS['harness-fixes'].usage}",
        )
    cases = [case for case in harness_fixes.load(folder) if not asked.chosen or case["id"] in asked.chosen]
    progress.expect(len(cases))
    found = harness_fixes.measure(cases, asked.repositories, tell=progress.advance)
    return bench_document("harness-fixes", harness_fixes.metrics(found), [vars(fix) for fix in found])


def _traces(asked: Asked, progress: Progress) -> dict[str, Any]:
    from . import traces

    folder = _folder(asked, "traces")
    progress.expect(sum(one.runs(folder / one.folder) for one in traces.sets_in(folder)))
    metrics: dict[str, float] = {}
    cases: list[dict[str, Any]] = []
    for name, figures, found in traces.measure(folder, asked.repositories, tell=progress.advance):
        metrics |= figures
        cases += [{"set": name, **case} for case in found]
    return bench_document("traces", metrics, cases)


def _repair(asked: Asked, progress: Progress) -> dict[str, Any]:
    from harnessfix.rules import all_rules

    from . import guards, plants, realbugs, repair_speed, repairs

    codes = () if asked.full else [rule.code for rule in all_rules() if rule.operator][::EVERY]
    planted = plants.measure(codes, tell=progress.advance) if not asked.chosen else []
    names = [] if asked.folder is None else _chosen(realbugs.cases(asked.folder), asked)
    fixes = []
    if asked.folder is not None:
        fixes = repairs.measure(asked.folder, names, progress.advance, asked.package_tests)
    tried = guards.measure()
    figures = guards.metrics(tried)
    figures = (plants.metrics(planted) if planted else {}) | (repairs.metrics(fixes) if fixes else {}) | figures
    if asked.full and not asked.chosen:
        figures |= repair_speed.metrics()
    return bench_document("repair", figures, [vars(one) for one in (*planted, *fixes, *tried)])


_RELATIONS = {"copied": 0.98, "truncated": 0.98, "transformed": 0.9, "omitted": 0.9}
_LINKS = {f"{name}.{rate}": at_least(aim) for name, aim in _RELATIONS.items() for rate in ("precision", "recall")}
_LINKS["anchor_recall_hidden_stack"] = at_least(0.85)
_NOTHING = ("lost", "doubled", "orphans", "damaged", "different")

_ALL = (
    Measurement("links", _script("links", {"runs": 20, "whole": False}, {}), _LINKS),
    Measurement(
        "compile",
        _script("compile", {"sizes": (50, 500)}, {}),
        {"growth_exponent": at_most(1.15), "seconds_500_steps": at_most(3.3 / 20), "peak_ratio_to_text": at_most(3)},
    ),
    Measurement(
        "diagnose",
        _script("diagnose", {}, {}),
        {
            "ms_60_steps": at_most(5),
            "growth_exponent": at_most(1.15),
            "verdict_growth_exponent": at_most(1.15),
        },
    ),
    Measurement(
        "harness-model",
        _script("harness-model", {}, {}),
        {"cold_ms_per_kloc": at_most(120), "warm_ms_per_kloc": at_most(1), "changed_ratio": at_most(1.15)},
    ),
    Measurement(
        "store",
        _script("store", {"spans": 20_000}, {}),
        {
            "bytes_ratio_to_otlp": at_most(0.05),
            "insert_ratio_to_bound": at_least(0.5),
            "slowest_query_ms": at_most(100),
        },
    ),
    Measurement("overhead", _script("overhead", {}, {}), {"slowdown_500ms_model": at_most(0.01)}),
    Measurement("throughput", _script("throughput", {"runs": 40}, {})),
    Measurement("kills", _script("kills", {"points": 5}, {}), {name: at_most(0) for name in _NOTHING}),
    Measurement(
        "receiver",
        _receiver,
        {"ratio_to_bound": at_least(0.6), "lost_after_kill": at_most(0), "doubled_after_retry": at_most(0)},
    ),
    Measurement(
        "planted",
        _script("planted", {"names": OWN}, {}),
        {
            "step": at_least(0.95),
            "cause": at_least(0.92),
            "anchor": at_least(0.9),
            "layer_f1": at_least(0.95),
            "operator": at_least(0.92),
        },
    ),
    Measurement("healthy", _script("healthy", {"names": OWN}, {}), {"precision": at_least(0.9)}),
    Measurement(
        "repair",
        _repair,
        {
            "planted_restored": at_least(0.9),
            "newly_failing": at_most(0),
            "realbugs_fixed": at_least(0.5),
            "realbugs_fixed_of_proposed": at_least(0.8),
        },
    ),
    Measurement(
        "realbugs",
        _realbugs,
        {"found_at_1": at_least(0.5), "found_at_3": at_least(0.7), "silent_on_fixed": at_least(0.95)},
        material="realbugs",
    ),
    Measurement(
        "traces",
        _traces,
        {
            "trail.harness_precision": at_least("trail.floor_harness_always"),
            "trail.span_f1": at_least("trail.floor_span_f1_every_model_call"),
            "tau.silent_on_rewarded": at_least(1),
            "who.step": at_least("who.floor_step_best_constant"),
            "who.harness_blamed": at_most(0),
        },
        material="traces",
    ),
    Measurement(
        "harness-fixes",
        _harness_fixes,
        {
            "file_at_1": at_least("floor_file_at_1"),
            "function_at_3": at_least("floor_function"),
            "layer": at_least("floor_layer"),
        },
        material="harness-fixes",
        repositories=True,
    ),
)
MEASUREMENTS: Mapping[str, Measurement] = {one.name: one for one in _ALL}

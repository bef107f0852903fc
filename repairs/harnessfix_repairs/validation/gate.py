"""The gate: free checks first, then the user's own runs, paired by task.

Accepted is what runs have proved; without any run the answer is *unproved*, and with too few to tell *inconclusive*.
A rejection has a name.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from harnessfix_repairs.patch import Patch

from .documents import Comparison, Outcome, RegressionTest, TaskRow, Validation
from .free_gates import FreeGates, OwnCheck, StaticRules
from .rates import compare, smallest_gain
from .replays import proved_by_replay, replay_notes, unusable
from .runner import Progress, Runner, RunTask, TaskResult, trees
from .worktree import Tree


@dataclass(frozen=True)
class Bounds:
    """What a patch may cost.

    Args:
        repeats: runs of each task on each side; at least 2, so that noise can be seen.
        newly_failing: tasks that passed and may fail.
        seconds_ratio, cost_ratio: most that time and cost may grow, as a factor.
        slack_seconds: growth of a task's time below this is not held against the patch.
    """

    repeats: int = 2
    newly_failing: int = 0
    seconds_ratio: float = 1.5
    cost_ratio: float = 1.25
    slack_seconds: float = 1.0


@dataclass
class Plan:
    """What to validate with.

    Args:
        static: flaw ids that the static rules find below a folder; None to do without.
        own: further free checks by name, such as the harness's own tests or a replay of recorded runs.
        tasks: names of the tasks to run; none to stay with the free checks.
        run_task: how one is run.
        jobs: runs at a time.
        bounds: what the patch may cost.
        limits: what bounds the runs, in words, for the record.
        progress: told after each run.
        trees: folder for private trees; the user's cache by default.
        untracked: whether untracked files are taken into the trees.
        regression: makes a test of a patch that no check refused, from a tree without it, one with it, and the runs.
    """

    static: StaticRules | None = None
    own: Sequence[tuple[str, OwnCheck]] = ()
    tasks: Sequence[str] = ()
    run_task: RunTask | None = None
    jobs: int = 1
    bounds: Bounds = field(default_factory=Bounds)
    limits: tuple[str, ...] = ()
    progress: Progress | None = None
    trees: Path | None = None
    untracked: bool = False
    regression: Callable[[Tree, Tree, Sequence[TaskRow]], RegressionTest | None] | None = None


def validate(root: Path, patch: Patch, plan: Plan) -> Validation:
    """Prove a patch, or say why it is not proved. The harness itself is not touched.

    Raises `PatchError` when no private tree can be made.
    """
    gates = FreeGates(root, patch)
    if not gates.check_text():
        return _rejected(patch, gates)
    running = bool(plan.tasks) and plan.run_task is not None
    with ExitStack() as stack:
        count = max(1, plan.jobs) if running else 1
        options: dict[str, Any] = {"folder": plan.trees, "untracked": plan.untracked}
        old = stack.enter_context(trees(root, count, **options))
        new = stack.enter_context(trees(root, count, [patch], **options))
        if plan.static is not None and not gates.check_source(plan.static, old[0], new[0]):
            return _rejected(patch, gates)
        if not gates.check_own(plan.own, new[0]):
            return _rejected(patch, gates)
        rows: list[TaskRow] = []
        if running and plan.run_task is not None:
            rows = _run(plan, plan.run_task, Runner(old, plan.run_task), Runner(new, plan.run_task))
            if not rows[0].patched:
                return _never_started(patch, gates, rows, plan.limits)
        found = judge(patch, gates, rows, plan.bounds, limits=plan.limits, notes=old[0].notes)
        if plan.regression is not None and found.outcome in (Outcome.ACCEPTED, Outcome.UNPROVED):
            found = found.model_copy(update={"regression": plan.regression(old[0], new[0], rows)})
    return found


def _run(plan: Plan, run_task: RunTask, old: Runner, new: Runner) -> list[TaskRow]:
    """Both sides; the unpatched one first, as its noise decides what can be seen.

    When no unpatched run gets as far as the harness, and all say the same, patched ones would say it too: none is made.
    """
    repeats, tasks = max(2, plan.bounds.repeats), list(dict.fromkeys(plan.tasks))
    total, done = 2 * repeats * len(tasks), 0

    def tell(count: int, _: int, result: TaskResult) -> None:
        if plan.progress is not None:
            plan.progress(done + count, total, result)

    old.progress = new.progress = tell
    baseline = old.run(tasks, repeats)
    done = repeats * len(tasks)
    said = {run.stillborn for runs in baseline.values() for run in runs}
    if len(said) == 1 and "" not in said:
        return [TaskRow(task=t, baseline=tuple(baseline[t]), patched=()) for t in tasks]
    patched = new.run(tasks, repeats)
    return [TaskRow(task=t, baseline=tuple(baseline[t]), patched=tuple(patched[t])) for t in tasks]


def _never_started(patch: Patch, gates: FreeGates, rows: Sequence[TaskRow], limits: tuple[str, ...]) -> Validation:
    runs, said = sum(len(row.baseline) for row in rows), rows[0].baseline[0].stillborn
    return Validation(
        patch=patch.id,
        flaw=patch.flaw,
        outcome=Outcome.INCONCLUSIVE,
        reason=f"all {runs} runs without the patch failed before the harness was reached: {said}",
        gates=tuple(gates.results),
        rows=tuple(rows),
        limits=limits,
        notes=("Does the command work by itself, with the Python that the harness is installed for?",),
    )


def judge(
    patch: Patch,
    gates: FreeGates,
    rows: Sequence[TaskRow],
    bounds: Bounds,
    *,
    limits: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> Validation:
    """The verdict on what was seen; makes no runs."""
    seen = _Seen(patch.flaw, rows)
    outcome, reason = _decide(seen, gates, bounds)
    return Validation(
        patch=patch.id,
        flaw=patch.flaw,
        outcome=outcome,
        reason=reason,
        gates=tuple(gates.results),
        rows=tuple(rows),
        comparisons=seen.comparisons if rows else (),
        deterministic=seen.deterministic,
        noise=seen.noise,
        seconds_ratio=seen.ratio("seconds", bounds.slack_seconds),
        cost_ratio=seen.ratio("cost"),
        newly_failing=seen.newly_failing,
        new_flaws=seen.new_flaws,
        limits=limits,
        notes=(*notes, *seen.notes),
    )


class _Seen:
    """What the runs show, counted."""

    def __init__(self, flaw: str, rows: Sequence[TaskRow]) -> None:
        self.flaw, self.rows = flaw, rows
        usable = [
            (a, b) for row in rows for a, b in zip(row.baseline, row.patched, strict=True) if not unusable(flaw, a, b)
        ]
        self.pairs = len(usable)
        self.lost = sum(len(row.baseline) for row in rows) - self.pairs
        self.deterministic = (
            bool(rows) and not self.lost and all(_same(row.baseline) and _same(row.patched) for row in rows)
        )
        self.noise = sum(not _same(row.baseline) for row in rows) / len(rows) if rows else 0.0
        self.target = compare([(flaw in a.flaws, flaw in b.flaws) for a, b in usable])
        self.failing = compare([(_failed(a), _failed(b)) for a, b in usable])
        self.newly_failing = tuple(
            row.task for row in rows if all(run.passed for run in row.baseline) and any(map(_failed, row.patched))
        )
        known = {one for row in rows for run in row.baseline for one in run.flaws}
        self.new_flaws = tuple(
            sorted({one for row in rows for run in row.patched for one in run.flaws} - known - {flaw})
        )
        self.comparisons = (
            Comparison.of("target flaw", self.target, deterministic=self.deterministic),
            Comparison.of("failing", self.failing, deterministic=self.deterministic),
        )
        self.notes = [f"{self.lost} pairs of runs could not be compared: {self.why}"] if self.lost else []
        self.notes += replay_notes(rows)

    @property
    def works(self) -> bool:
        """Whether a run that is part of the proof passed, or asked a recorded model all that was recorded."""
        runs = [run for row in self.rows for run in row.patched]
        return any(run.passed or (run.replay is not None and run.replay.held >= run.replay.answers) for run in runs)

    @property
    def why(self) -> str:
        """Why the first pair that cannot be compared cannot be."""
        pairs = [pair for row in self.rows for pair in zip(row.baseline, row.patched, strict=True)]
        return next((words for a, b in pairs if (words := unusable(self.flaw, a, b))), "unknown")

    def ratio(self, what: str, slack: float = 0.0) -> float | None:
        """Median over tasks of patched to baseline, None when it is not known."""
        found = []
        for row in self.rows:
            before = [value for run in row.baseline if (value := getattr(run, what)) is not None]
            after = [value for run in row.patched if (value := getattr(run, what)) is not None]
            if before and after:
                low, high = median(before), median(after)
                found.append(1.0 if high - low <= slack or low <= 0 else high / low)
        return median(found) if found else None


def _failed(run: TaskResult) -> bool:
    return run.passed is False and not run.left_recording


def _same(runs: Sequence[TaskResult]) -> bool:
    return len(runs) > 1 and len({(run.passed, frozenset(run.flaws), bool(run.error)) for run in runs}) == 1


def _decide(seen: _Seen, gates: FreeGates, bounds: Bounds) -> tuple[Outcome, str]:
    if not seen.rows:
        if gates.target_gone:
            silent = "the rule that found it in the source is silent"
            return Outcome.UNPROVED, f"{silent}, but nothing was run: whether the harness still works is not shown"
        return Outcome.UNPROVED, "the free checks passed, but nothing was run: that the flaw is gone is not shown"
    if not seen.pairs:
        return Outcome.INCONCLUSIVE, f"no pair of runs can be compared: {seen.why}"
    if len(seen.newly_failing) > bounds.newly_failing:
        return Outcome.REJECTED_NEWLY_FAILING, f"passed before and now fail: {', '.join(seen.newly_failing)}"
    if seen.new_flaws:
        return Outcome.REJECTED_NEW_FLAW, f"flaws that no baseline run has: {', '.join(seen.new_flaws)}"
    outcome, reason = _target(seen, gates)
    if outcome is not Outcome.ACCEPTED:
        return outcome, reason
    for what, bound, slack in (
        ("seconds", bounds.seconds_ratio, bounds.slack_seconds),
        ("cost", bounds.cost_ratio, 0.0),
    ):
        ratio = seen.ratio(what, slack)
        if ratio is not None and ratio > bound:
            return Outcome.REJECTED_COST, f"{what} grew by a factor of {ratio:.2f}, {bound:.2f} is allowed"
    return outcome, reason


def _target(seen: _Seen, gates: FreeGates) -> tuple[Outcome, str]:
    target = seen.target
    counts = f"{target.before} of {target.pairs} runs before, {target.after} of {target.pairs} after"
    if not target.before:
        if target.after:
            return Outcome.REJECTED_TARGET_NOT_FIXED, f"the flaw was in {counts}"
        if gates.target_gone and not seen.works:
            return (
                Outcome.INCONCLUSIVE,
                f"the rule that found it in the source is silent, but no run passes, without the patch or with it "
                f"({target.pairs} pairs): whether the harness still works is not shown",
            )
        if gates.target_gone:
            return (
                Outcome.ACCEPTED,
                f"the rule that found it in the source is silent, and {target.pairs} pairs of runs are as before"
                f"{proved_by_replay(seen.rows)}",
            )
        return Outcome.INCONCLUSIVE, f"the flaw did not occur in any of {target.pairs} baseline runs"
    if target.after >= target.before:
        return Outcome.REJECTED_TARGET_NOT_FIXED, f"the flaw was in {counts}"
    if seen.deterministic:
        if target.after:
            return Outcome.REJECTED_TARGET_NOT_FIXED, f"the flaw was in {counts}, the same in every repetition"
        return Outcome.ACCEPTED, f"the flaw was in {counts}, the same in every repetition{proved_by_replay(seen.rows)}"
    if target.fell:
        return Outcome.ACCEPTED, f"the flaw was in {counts}; its rate fell by {target.low:.2f} to {target.high:.2f}"
    least = smallest_gain(target.pairs)
    can = "none" if least is None else f"a fall of {least:.2f} or more"
    return (
        Outcome.INCONCLUSIVE,
        f"the flaw was in {counts}; {target.pairs} pairs of noisy runs can show {can}. Run more",
    )


def _rejected(patch: Patch, gates: FreeGates) -> Validation:
    failed = gates.results[-1]
    return Validation(
        patch=patch.id,
        flaw=patch.flaw,
        outcome=gates.outcome or Outcome.INCONCLUSIVE,
        reason=f"{failed.name}: {failed.detail}",
        gates=tuple(gates.results),
    )

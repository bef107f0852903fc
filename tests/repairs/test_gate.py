"""The gate: every outcome by name, on runs of a real command in real trees and on counted results."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harnessfix_ir.errors import PatchError
from harnessfix_repairs.memory import consult, remember
from harnessfix_repairs.patch import Patch
from harnessfix_repairs.validation.documents import Outcome, TaskRow, Validation
from harnessfix_repairs.validation.free_gates import FreeGates
from harnessfix_repairs.validation.gate import Bounds, Plan, judge, validate
from harnessfix_repairs.validation.rates import compare, mcnemar, smallest_gain, wilson
from harnessfix_repairs.validation.runner import TaskResult
from harnessfix_repairs.validation.sandbox import Limits, Sandbox
from harnessfix_repairs.validation.worktree import Tree

SOURCE = """\
import sys


def load(path):
    try:
        return open(path).read()
    except OSError:
        raise LookupError(path)


try:
    load(sys.argv[1])
except LookupError as error:
    print(type(error.__cause__).__name__)
    sys.exit(0 if sys.argv[1] == "easy" or error.__cause__ else 1)
"""
FLAW = "1234abcd"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "harness"
    root.mkdir()
    (root / "agent.py").write_text(SOURCE)
    return root


@pytest.fixture
def patch(root: Path, patch_at: Callable[..., Patch]) -> Patch:
    return patch_at(root, "agent.py", "load", (8, 8), "preserve-cause", flaw=FLAW)


def run_task(task: str, tree: Tree) -> TaskResult:
    """Runs the agent; the flaw shows when the cause is lost."""
    done = Sandbox(bubblewrap=None).run([sys.executable, "agent.py", task], tree, Limits(seconds=20))
    flaws = (FLAW,) if done.stdout.strip() == "NoneType" else ()
    return TaskResult(
        task=task, passed=done.exit_code == 0, exit_code=done.exit_code, seconds=done.seconds, flaws=flaws
    )


def test_a_real_patch_is_accepted_on_real_runs(root: Path, patch: Patch, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    plan = Plan(
        tasks=["easy", "hard"],
        run_task=run_task,
        jobs=2,
        progress=lambda done, total, result: told.append((done, total)),
        trees=tmp_path / "trees",
    )
    result = validate(root, patch, plan)
    assert result.outcome is Outcome.ACCEPTED, result.reason
    assert result.deterministic
    assert told == [(n, 8) for n in range(1, 9)]
    assert [gate.name for gate in result.gates if gate.passed] == ["applies", "parses", "in scope", "idempotent"]
    hard = next(row for row in result.rows if row.task == "hard")
    assert [run.passed for run in (*hard.baseline, *hard.patched)] == [False, False, True, True]
    assert result.comparisons[0].words == "target flaw: 4 of 4 before, 0 of 4 after"
    assert (root / "agent.py").read_text() == SOURCE
    assert Validation.model_validate_json(result.model_dump_json()) == result


def test_a_runner_that_breaks_is_inconclusive_and_says_why(root: Path, patch: Patch, tmp_path: Path) -> None:
    def broken(task: str, tree: Tree) -> TaskResult:
        raise PatchError("the model has no key")

    result = validate(root, patch, Plan(tasks=["easy"], run_task=broken, trees=tmp_path / "trees"))
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "the model has no key" in result.reason


@pytest.mark.parametrize(
    ("said", "stops"), [(("a", "a"), True), (("a", "b"), False), (("a", ""), False), (("", ""), False)]
)
def test_what_never_starts_is_not_tried_with_the_patch(
    root: Path, patch: Patch, tmp_path: Path, said: tuple[str, str], stops: bool
) -> None:
    ran: list[bool] = []

    def stillborn(task: str, tree: Tree) -> TaskResult:
        ran.append(bool(tree.patches))
        return TaskResult(task=task, passed=False, exit_code=1, stillborn=said[int(task)])

    result = validate(root, patch, Plan(tasks=["0", "1"], run_task=stillborn, trees=tmp_path / "trees"))
    assert result.outcome is Outcome.INCONCLUSIVE
    assert (True not in ran) is stops
    assert ("before the harness was reached" in result.reason) is stops


def test_static_rules_see_both_trees(root: Path, patch: Patch, tmp_path: Path) -> None:
    def rules(folder: Path) -> list[str]:
        return [] if "from error" in (folder / "agent.py").read_text() else [FLAW]

    trees = tmp_path / "trees"
    gone = validate(root, patch, Plan(static=rules, trees=trees))
    assert gone.outcome is Outcome.UNPROVED, "nothing was run, so nothing is proved"
    assert "nothing was run" in gone.reason
    deaf = validate(root, patch, Plan(static=lambda folder: [FLAW], trees=trees))
    assert deaf.outcome is Outcome.REJECTED_TARGET_NOT_FIXED
    noisy = validate(root, patch, Plan(static=lambda folder: rules(folder) or ["ffffffff"], trees=trees))
    assert noisy.outcome is Outcome.REJECTED_NEW_FLAW
    silent = validate(root, patch, Plan(static=lambda folder: [], trees=trees))
    assert silent.outcome is Outcome.UNPROVED


def test_own_checks_can_reject(root: Path, patch: Patch, tmp_path: Path) -> None:
    def own(tree: Tree) -> str:
        return "2 tests failed" if "from error" in (tree.path / "agent.py").read_text() else ""

    result = validate(root, patch, Plan(own=[("own tests", own)], trees=tmp_path / "trees"))
    assert (result.outcome, result.reason) == (Outcome.REJECTED_OWN_CHECK, "own tests: 2 tests failed")


def test_a_stale_patch_does_not_apply(root: Path, patch: Patch, tmp_path: Path) -> None:
    (root / "agent.py").write_text(SOURCE + "# more\n")
    result = validate(root, patch, Plan(trees=tmp_path / "trees"))
    assert result.outcome is Outcome.REJECTED_DOES_NOT_APPLY
    assert not (tmp_path / "trees").exists()


def test_a_patch_wider_than_its_scope_is_rejected_by_symbol(root: Path, patch: Patch) -> None:
    narrow = patch.spec.model_copy(update={"allowed": patch.spec.allowed.model_copy(update={"symbols": ()})})
    gates = FreeGates(root, patch.model_copy(update={"spec": narrow}))
    assert not gates.check_text()
    assert gates.outcome is Outcome.REJECTED_OUT_OF_SCOPE
    assert "load" in gates.results[-1].detail


def rows(*tasks: tuple[str, str, str], seconds: tuple[float, float] = (1.0, 1.0)) -> list[TaskRow]:
    """Rows from words: `p` passed, `f` failed with the flaw, `o` failed without, `n` passed with a new flaw, `F` passed
    with the flaw, `e` could not be run."""
    flaws = {"f": (FLAW,), "F": (FLAW,), "n": ("ffffffff",)}

    def result(task: str, word: str, time: float) -> TaskResult:
        if word == "e":
            return TaskResult(task=task, passed=None, error="no key")
        return TaskResult(task=task, passed=word in "pnF", seconds=time, flaws=flaws.get(word, ()))

    return [
        TaskRow(
            task=task,
            baseline=tuple(result(task, word, seconds[0]) for word in before),
            patched=tuple(result(task, word, seconds[1]) for word in after),
        )
        for task, before, after in tasks
    ]


@pytest.mark.parametrize(
    ("results", "outcome", "words"),
    [
        ([("a", "ff", "pp")], Outcome.ACCEPTED, "the same in every repetition"),
        ([("a", "ff", "oo")], Outcome.ACCEPTED, "the same in every repetition"),
        ([("a", "ff", "ff")], Outcome.REJECTED_TARGET_NOT_FIXED, "2 of 2 runs before, 2 of 2 after"),
        ([("a", "ff", "pp"), ("b", "ff", "ff")], Outcome.REJECTED_TARGET_NOT_FIXED, "2 of 4 after"),
        ([("a", "ff", "pp"), ("b", "pp", "oo")], Outcome.REJECTED_NEWLY_FAILING, "now fail: b"),
        ([("a", "ff", "pp"), ("b", "pp", "po")], Outcome.REJECTED_NEWLY_FAILING, "now fail: b"),
        ([("a", "ff", "pp"), ("b", "po", "oo")], Outcome.INCONCLUSIVE, "pairs of noisy runs"),
        ([("a", "ff", "nn")], Outcome.REJECTED_NEW_FLAW, "ffffffff"),
        ([("a", "pp", "pp")], Outcome.INCONCLUSIVE, "did not occur in any of 2"),
        ([("a", "pp", "pF")], Outcome.REJECTED_TARGET_NOT_FIXED, "0 of 2 runs before"),
        ([("a", "fp", "pp")], Outcome.INCONCLUSIVE, "Run more"),
        ([("a", "f" * 9 + "p", "p" * 10)], Outcome.ACCEPTED, "its rate fell by"),
        ([("a", "ee", "ee")], Outcome.INCONCLUSIVE, "no key"),
    ],
)
def test_outcomes_have_names_and_reasons(
    root: Path, patch: Patch, results: list[tuple[str, str, str]], outcome: Outcome, words: str
) -> None:
    verdict = judge(patch, FreeGates(root, patch), rows(*results), Bounds())
    assert verdict.outcome is outcome, verdict.reason
    assert words in verdict.reason


@pytest.mark.parametrize(("words", "outcome"), [(("pp", "pp"), Outcome.ACCEPTED), (("oo", "oo"), Outcome.INCONCLUSIVE)])
def test_a_flaw_of_the_source_is_proved_gone_by_runs_that_pass(
    root: Path, patch: Patch, words: tuple[str, str], outcome: Outcome
) -> None:
    gates = FreeGates(root, patch)
    gates.target_gone = True
    verdict = judge(patch, gates, rows(("a", *words)), Bounds())
    assert verdict.outcome is outcome, verdict.reason
    assert ("whether the harness still works is not shown" in verdict.reason) is (outcome is Outcome.INCONCLUSIVE)


def test_cost_is_bounded(root: Path, patch: Patch) -> None:
    slow = rows(("a", "ff", "pp"), seconds=(2.0, 9.0))
    verdict = judge(patch, FreeGates(root, patch), slow, Bounds())
    assert verdict.outcome is Outcome.REJECTED_COST
    assert verdict.seconds_ratio == pytest.approx(4.5)
    assert judge(patch, FreeGates(root, patch), slow, Bounds(seconds_ratio=5)).accepted
    assert judge(patch, FreeGates(root, patch), rows(("a", "ff", "pp"), seconds=(0.1, 0.9)), Bounds()).accepted


def test_intervals_are_those_of_the_literature() -> None:
    # Newcombe 1998, Statistics in Medicine 17:2635, the example with cells 36, 12, 2, 0, method 10.
    low, high = wilson(38, 50)
    assert low == pytest.approx(0.6259, abs=2e-4)
    assert high == pytest.approx(0.8570, abs=2e-4)
    first = compare([(True, True)] * 36 + [(True, False)] * 12 + [(False, True)] * 2)
    assert first.low == pytest.approx(0.0569, abs=2e-3)
    assert first.high == pytest.approx(0.3404, abs=2e-3)
    assert mcnemar(12, 2) == pytest.approx(0.01294, abs=1e-4)
    assert mcnemar(0, 0) == 1.0
    assert smallest_gain(2) is None
    least = smallest_gain(20)
    assert least is not None
    assert 0 < least < 0.5


def test_memory_discards_what_was_rejected_and_only_that(root: Path, patch: Patch) -> None:
    anchors = tuple(anchor.model_copy(update={"content_hash": "ab" * 8}) for anchor in patch.spec.anchors)
    patch = patch.model_copy(update={"spec": patch.spec.model_copy(update={"anchors": anchors})})
    gates = FreeGates(root, patch)
    bad = remember(patch, judge(patch, gates, rows(("a", "ff", "ff")), Bounds()), when_ns=2)
    good = remember(patch, judge(patch, gates, rows(("a", "ff", "pp")), Bounds()), when_ns=1)
    unknown = remember(patch, judge(patch, gates, rows(("a", "pp", "pp")), Bounds()), when_ns=3)
    assert consult([bad], patch.spec).discard
    assert "rejected-target-not-fixed" in consult([bad], patch.spec).reasons[0]
    assert not consult([unknown], patch.spec).discard
    assert not consult([good], patch.spec).discard
    assert consult([good, bad], patch.spec).discard, "the latest counts"
    other = patch.spec.model_copy(update={"parameters": {"form": "raise"}})
    assert not consult([bad], other).discard
    assert consult([good], other).accepted == (patch.id,)
    elsewhere = patch.spec.model_copy(update={"operator": "another"})
    assert consult([bad, good], elsewhere).reasons == ()

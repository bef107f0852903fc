"""`bench repair`: planted flaws are repaired in a copy; a historical bug is fixed only when its script passes."""

import json
import os
import sys
from pathlib import Path

import pytest

from harnessfix.bench import environments, plants, realbugs, repair_speed, repairs
from harnessfix.bench.package_tests import OwnTests, own_tests

PACKAGE = """\
def approve_needed(text):
    return True


def plan(step, interval):
    return step % interval == 1
"""
SCRIPT = """\
import sys

from brokenpkg.agent import plan

sys.exit(0 if plan(1, 1) else 42)
"""


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A case whose release is a package beside it, run by this interpreter."""
    package = tmp_path / "site" / "brokenpkg"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "agent.py").write_text(PACKAGE.replace("interval", "planning_interval"))
    folder = tmp_path / "cases" / "never-due"
    folder.mkdir(parents=True)
    meta = {
        "pip": {"buggy": ["brokenpkg==1"], "fixed": ["brokenpkg==2"]},
        "layers": ["lifecycle"],
        "installed": {"file": "brokenpkg/agent.py", "qualname": "plan"},
        "fix_anchors": [{"file": "src/brokenpkg/agent.py", "qualname": "plan"}],
        "fix_size": {"added": 1, "removed": 1},
    }
    (folder / "meta.json").write_text(json.dumps(meta))
    (folder / "repro.py").write_text(SCRIPT)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")]))

    def here(pins: object, constraints: object = None) -> Path:
        return Path(sys.executable)

    monkeypatch.setattr(realbugs, "interpreter", here)
    monkeypatch.setattr(environments, "interpreter", here)
    return folder


def test_a_bug_counts_as_fixed_when_its_script_passes(case: Path) -> None:
    installed = case.parents[1] / "site" / "brokenpkg" / "agent.py"
    before = installed.read_bytes()
    (fix,) = repairs.measure(case.parent, [case.name])
    assert not fix.error
    assert (fix.rule, fix.operator, fix.proposed, fix.fixed) == ("L115", "fix-interval", True, True), fix.reason
    assert (fix.changed, fix.real) == (2, 2)
    assert repairs.metrics([fix])["realbugs_fixed"] == 1.0
    assert installed.read_bytes() == before


def test_a_script_that_still_fails_is_no_fix(case: Path) -> None:
    (case / "repro.py").write_text(SCRIPT.replace("0 if plan(1, 1) else 42", "42"))
    (fix,) = repairs.measure(case.parent, [case.name])
    assert (fix.proposed, fix.fixed) == (True, False)
    assert fix.reason.startswith("the script ends with 42")
    assert repairs.metrics([fix])["realbugs_fixed"] == 0.0


def test_a_planted_flaw_is_restored(tmp_path: Path) -> None:
    (plant,) = plants.measure(["O102"])
    assert plant.restored, plant.reason
    assert not plant.newly_failing
    assert plants.metrics([plant])["planted_restored"] == 1.0


def test_what_a_patch_breaks_of_the_packages_own_tests_is_named(tmp_path: Path) -> None:
    for name, wrong in (("before", ""), ("after", "not ")):
        (tmp_path / name / "ownpkg").mkdir(parents=True)
        (tmp_path / name / "ownpkg/__init__.py").write_text("")
        (tmp_path / name / "ownpkg/agent.py").write_text(f"def even(n):\n    return {wrong}n % 2 == 0\n")
    tests = tmp_path / "tests" / "never-due" / "tests"
    tests.mkdir(parents=True)
    (tests / "test_even.py").write_text(
        "from ownpkg.agent import even\n\n\ndef test_even():\n    assert even(2)\n\n\n"
        "def test_type():\n    assert even(2) in (True, False)\n\n\ndef test_broken_already():\n    assert even(1)\n"
    )
    (tests / "test_other.py").write_text("def test_other():\n    assert False\n")

    def tried(after: str, patched: str) -> OwnTests:
        python, before = Path(sys.executable), tmp_path / "before"
        return own_tests(tmp_path / "tests", "never-due", python, before, tmp_path / after, [patched], {})

    broken = tried("after", "ownpkg/agent.py")
    assert (broken.passed, broken.broken) == (2, ("tests.test_even::test_even",))
    assert broken.outdated == ()
    assert tried("before", "ownpkg/agent.py") == OwnTests(2)
    assert tried("after", "ownpkg/nobody.py").why == "there is no test file that speaks of the patched module"


def test_what_is_timed_is_a_patch_and_a_validation() -> None:
    seconds = repair_speed.propose_seconds(lines=200, names=["bound-loop", "preserve-cause"])
    assert set(seconds) == {"bound-loop", "preserve-cause"}
    assert all(value > 0 for value in seconds.values())
    assert repair_speed.validation_ratio(tasks=1, seconds=0.01, jobs=1) > 0

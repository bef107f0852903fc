"""`bench repair`: planted flaws are repaired in a copy; a historical bug is fixed only when its script passes."""

import json
import os
import sys
from pathlib import Path

import pytest

from harnessfix.bench import environments, plants, realbugs, repairs

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

"""Whose fault a failed run is, as `check` and `show` tell it, from runs recorded for real."""

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Run = Callable[..., Result]


def test_check_says_whose_fault_each_failed_run_is_however_often_it_is_asked(run: Run, project: Path) -> None:
    first, second = (json.loads(run(project, "check", "--format", "json").stdout) for _ in range(2))
    (found,) = first["verdicts"]
    assert found["verdict"] == "harness"
    assert found["causes"][0]["rule"] == "T102"
    assert found["causes"][0]["flaw"] in {finding["flaw"] for finding in first["findings"]}
    assert found["path"][-1]["step"] == found["symptom"]
    assert found["origin"] in [hop["step"] for hop in found["path"]]
    assert second["verdicts"] == first["verdicts"]


def test_check_lists_failed_runs_and_show_tells_the_way(run: Run, project: Path) -> None:
    assert "at fault" not in run(project, "show", "locked").stdout, "nobody has checked it yet"
    listed = run(project, "check").stdout
    assert "whose fault each failed run is" in listed
    assert "swallowed-tool-error" in listed.split("whose fault")[1]
    told = run(project, "show", "locked").stdout
    assert "at fault: harness" in told
    assert "the way:" in told
    assert "at fault" not in run(project, "show", "good").stdout

"""The one-file agent of `examples/tinyloop`: its own scenarios, played over loopback HTTP."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "tinyloop"
FAILING = {"wrong-sum": "60", "outage": "the provider answered 503 Service Unavailable, attempt 3"}
SCENARIOS = list(json.loads((EXAMPLE / "scenarios.json").read_text(encoding="utf-8")))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", "-W", "error", "run.py", *arguments]
    return subprocess.run(command, cwd=EXAMPLE, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario_ends_as_expected(scenario: str) -> None:
    done = run(scenario)
    assert not done.stderr
    if scenario in FAILING:
        assert done.returncode == 1
        assert done.stdout == f"FAIL {scenario}: {FAILING[scenario]}\n"
    else:
        assert done.returncode == 0
        assert done.stdout.startswith(f"PASS {scenario}: ")


def test_bad_usage_has_its_own_exit_code() -> None:
    assert run().returncode == 2
    assert run("nothing-like-it").returncode == 2


def test_validation_lists_every_scenario() -> None:
    settings = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["tool"]["harnessfix"]["validate"]["tasks"] == SCENARIOS

"""The scenarios of `benchmarks/frameworks`, recorded for real where their environment is there."""

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks" / "frameworks"
ENVIRONMENTS = Path(os.environ.get("HARNESSFIX_FRAMEWORKS", Path.home() / ".cache" / "harnessfix-frameworks"))


def _script() -> Any:
    spec = importlib.util.spec_from_file_location("frameworks_table", FOLDER / "__main__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


SCRIPT = _script()
# Their models answer in text: there is no call that could have an id; and what the parser rejects is no exception.
# AutoGen's reply is an object of its own, in which the ids of its calls are not found.
WITHOUT = {
    "autogen_assistant": {"tool call id"},
    "dspy_react": {"tool call id"},
    "harbor_terminus2": {"tool call id", "exception"},
}
SCENARIOS = {scenario.name: scenario for scenario in SCRIPT.scenarios()}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_recorded_framework_behaves_as_it_does_alone_and_is_seen(name: str, tmp_path: Path) -> None:
    scenario = SCENARIOS[name]
    if not scenario.python(ENVIRONMENTS).exists():
        pytest.skip(f"no environment of {name} in {ENVIRONMENTS}")
    code, output = SCRIPT.plain_output(scenario, ENVIRONMENTS)
    row = SCRIPT.play(scenario, ENVIRONMENTS, probe=True, scratch=tmp_path)
    assert (row.code, row.output) == (code, output)
    lacking = {what for what, found in row.found.items() if not found}
    assert lacking <= WITHOUT.get(name, set())
    assert row.models >= 2
    assert row.tools >= 1


def test_rows_that_are_measured_anew_replace_those_of_the_same_harness() -> None:
    old = "| Harness | x |\n|---|---|\n| a | 1 |\n| b | 1 |"
    assert SCRIPT.renewed(f"\n{old}\n", "| Harness | x |\n|---|---|\n| b | 2 |\n| C | 2 |").splitlines()[2:] == [
        "| a | 1 |",
        "| b | 2 |",
        "| C | 2 |",
    ]


def test_the_table_is_made_of_the_rows() -> None:
    scenario = SCENARIOS["home_grown"]
    found = dict.fromkeys(SCRIPT.EVIDENCE, True)
    none = dict.fromkeys(SCRIPT.EVIDENCE, False)
    rows = [SCRIPT.Row(scenario, True, 0, "", 3, 2, found, ()), SCRIPT.Row(scenario, False, 0, "", 0, 0, none, ())]
    assert SCRIPT.table(rows).splitlines()[-1].endswith("| ◐ | ◐ | ◐ | ◐ | ◐ | ◐ | ◐ | 3 / 0 | 2 / 0 |")

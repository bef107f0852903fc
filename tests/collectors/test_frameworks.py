"""The scenarios of `benchmarks/frameworks`, recorded for real where their environment is there."""

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.conservation import lost_lines
from harnessfix_collectors.readers import read_bytes

FOLDER = Path(__file__).parents[2] / "benchmarks" / "frameworks"
# Only where it is asked for: what else lies on a machine must not decide which tests run.
ENVIRONMENTS = Path(os.environ.get("HARNESSFIX_FRAMEWORKS", os.devnull))


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
WITHOUT = {
    "dspy_react": {"tool call id"},
    "harbor_terminus2": {"tool call id", "exception"},
}
SCENARIOS = {scenario.name: scenario for scenario in SCRIPT.scenarios()}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_recorded_framework_behaves_as_it_does_alone_and_is_seen(name: str, tmp_path: Path) -> None:
    scenario = SCENARIOS[name]
    if not scenario.ready(ENVIRONMENTS):
        pytest.skip(f"no environment of {name} is ready in {ENVIRONMENTS}: see HARNESSFIX_FRAMEWORKS")
    code, output = SCRIPT.plain_output(scenario, ENVIRONMENTS)
    row = SCRIPT.play(scenario, ENVIRONMENTS, probe=True, scratch=tmp_path, keep=tmp_path / "kept")
    assert (row.code, row.output) == (code, output)
    lacking = {what for what, found in row.found.items() if not found}
    assert lacking <= WITHOUT.get(name, set())
    assert row.models >= 2
    assert row.tools >= 1
    data = (tmp_path / "kept" / f"{name}-probe.jsonl").read_bytes()
    assert lost_lines(data, list(read_bytes(data, name, "harnessfix-probe"))) == []


def test_an_environment_whose_making_was_cut_short_is_not_ready(tmp_path: Path) -> None:
    scenario = SCENARIOS["openai_agents"]
    folder = tmp_path / str(scenario.environment)
    folder.mkdir()
    assert not scenario.ready(tmp_path)
    (folder / SCRIPT.READY).write_text("openai-agents<0.1")
    assert not scenario.ready(tmp_path)  # made for other packages
    (folder / SCRIPT.READY).write_text("\n".join(scenario.packages))
    assert scenario.ready(tmp_path)


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


def test_a_scenario_that_fails_by_itself_makes_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.py").write_text('"""A harness whose source is not there."""\n\nimport no_such_harness\n')
    monkeypatch.setattr(SCRIPT, "HERE", tmp_path)
    document = tmp_path / "frameworks.md"
    document.write_text(f"{SCRIPT.BEGIN}\n\n| Harness | x |\n|---|---|\n| a | 1 |\n\n{SCRIPT.END}\n")
    monkeypatch.setattr(SCRIPT, "DOCUMENT", document)
    assert SCRIPT.main(["broken", "--write"]) == 1
    assert "broken: ended with code 1 without a recorder, and was left out" in capsys.readouterr().err
    assert "| a | 1 |" in document.read_text()
    assert "not there" not in document.read_text()

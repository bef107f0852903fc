"""What is said of a run whose code nobody knows: it stands at a step of the file that the run was read from."""

import json
from pathlib import Path

import pytest

from harnessfix.diagnoser import Report, diagnose_run
from harnessfix.rules import all_rules
from harnessfix_collectors.readers import read_bytes
from harnessfix_ir.compiler import compile_run
from harnessfix_ir.harness import HarnessModel

CALLED = {"role": "assistant", "content": "THOUGHT: look\n```bash\nls -la\n```"}
ANSWERED = {"role": "user", "content": "<returncode>0</returncode><output>file.py</output>"}


@pytest.fixture
def report() -> Report:
    """A trajectory that asks for the same thing over and over, diagnosed alone."""
    turns = [{"role": "system", "content": "You are helpful"}, {"role": "user", "content": "Fix it"}]
    trajectory = {
        "messages": turns + [CALLED, ANSWERED] * 12,
        "info": {"exit_status": "LimitsExceeded", "submission": ""},
        "trajectory_format": "mini-swe-agent-1",
    }
    [run] = read_bytes(json.dumps(trajectory).encode(), "a.traj.json")
    rules = [rule for rule in all_rules() if rule.code == "L101"]
    return diagnose_run(compile_run(run, HarnessModel(root=str(Path.cwd()))), HarnessModel(root=""), rules)


def test_a_trace_alone_is_spoken_of_with_less_confidence_and_says_what_is_missing(report: Report) -> None:
    [found] = report.diagnoses
    [place] = found.anchors
    assert (place.path, place.qualname, place.place) == ("a.traj.json", "bash", "a.traj.json:1")
    assert found.missing == ("the source of the harness",)
    assert found.operator is None
    assert found.confidence < 0.9
    assert not [words for words in report.incomplete if "dropped" in words]

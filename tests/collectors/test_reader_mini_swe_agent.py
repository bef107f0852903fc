"""mini-swe-agent trajectories."""

import json
from typing import Any

import pytest

from harnessfix_collectors.readers import read_bytes
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.vocabulary import Outcome, Status, StepKind


def trajectory(**info: Any) -> dict[str, Any]:
    call = {"id": "c1", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
    response = {"model": "scripted", "choices": [{"finish_reason": "tool_calls"}], "usage": {"prompt_tokens": 7}}
    return {
        "trajectory_format": "mini-swe-agent-1.1",
        "info": {"mini_version": "2.4.6", "config": {"agent_type": "minisweagent.agents.default.DefaultAgent"}, **info},
        "messages": [
            {"role": "system", "content": "You act."},
            {"role": "user", "content": "List the folder."},
            {"role": "assistant", "content": None, "tool_calls": [call], "extra": {"response": response, "cost": 0.1}},
            {
                "role": "tool",
                "tool_call_id": "c1",
                "content": "a.txt",
                "extra": {"returncode": 1, "exception_info": "TimeoutExpired: 1 s"},
            },
            {"role": "exit", "content": "done", "extra": {"exit_status": "Submitted"}},
        ],
    }


def test_turns_become_steps_and_nothing_is_lost() -> None:
    (recording,) = read_bytes(json.dumps(trajectory(exit_status="Submitted")).encode(), "a.traj.json")
    task, call, tool, end = recording.steps
    assert [s.kind for s in recording.steps] == [
        StepKind.TASK,
        StepKind.MODEL_CALL,
        StepKind.TOOL_CALL,
        StepKind.SUBMIT,
    ]
    assert task.name == "minisweagent.agents.default.DefaultAgent"
    assert [recording.texts[part.text] for part in call.input] == ["You act.", "List the folder."]
    assert call.finish_reason == "tool_call"
    assert call.attributes["extra"]["cost"] == 0.1  # type: ignore[index,call-overload]
    assert (tool.name, tool.status, tool.output[0].call_id) == ("bash", Status.ERROR, "c1")
    assert tool.error is not None
    assert tool.error.type == "TimeoutExpired"
    assert recording.texts[end.output[0].text] == "done"
    assert recording.run.outcome is Outcome.UNKNOWN, "submitted is not passed: nobody checked"


def test_a_limit_is_a_failure() -> None:
    (recording,) = read_bytes(json.dumps(trajectory(exit_status="LimitsExceeded")).encode(), "a.traj.json")
    assert (recording.run.outcome, recording.run.outcome_by) == (Outcome.FAILED, "exit_status")


def test_the_bare_list_of_old_versions_is_read() -> None:
    data = json.dumps([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ok"}]).encode()
    (recording,) = read_bytes(data, "old.traj.json")
    assert [step.kind for step in recording.steps] == [StepKind.TASK, StepKind.MODEL_CALL]


def test_a_file_that_was_cut_is_named() -> None:
    data = json.dumps(trajectory()).encode()[:-40]
    with pytest.raises(BadInputError, match=r"a\.traj\.json: not a whole JSON document"):
        list(read_bytes(data, "a.traj.json"))

"""Other spellings of the formats: older ones, streams, exports by another door."""

import json
from typing import Any

from harnessfix_collectors.readers import read_bytes, reader_for
from harnessfix_ir.recording import Recording
from harnessfix_ir.vocabulary import Outcome, Status


def lines(*values: dict[str, Any]) -> bytes:
    return "\n".join(json.dumps(value) for value in values).encode()


def one(data: bytes, name: str) -> Recording:
    assert reader_for(data, "some.file").name == name
    (recording,) = read_bytes(data, "some.file")
    return recording


def outline(recording: Recording) -> list[str]:
    return [f"{step.kind}:{step.name}" for step in recording.steps]


def test_claude_code_as_it_streams() -> None:
    call = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}
    answer = {"type": "tool_result", "tool_use_id": "t1", "content": "a.txt"}
    recording = one(
        lines(
            {"type": "system", "subtype": "init", "session_id": "s1", "tools": ["Bash"], "model": "claude-sample"},
            {"type": "assistant", "session_id": "s1", "message": {"role": "assistant", "id": "m1", "content": [call]}},
            {"type": "user", "session_id": "s1", "message": {"role": "user", "content": [answer]}},
            {"type": "result", "subtype": "error_max_turns", "is_error": True, "session_id": "s1", "num_turns": 1},
        ),
        "claude-code",
    )
    assert outline(recording) == [
        "task:Claude Code",
        "lifecycle:init",
        "model_call:model",
        "tool_call:Bash",
        "submit:result",
    ]
    assert (recording.run.id, recording.run.outcome) == ("s1", Outcome.FAILED)
    assert recording.steps[-1].status is Status.ERROR


def test_claude_code_subagent_file_is_a_run_of_its_own() -> None:
    said = {"role": "user", "content": "Look around"}
    common = {"sessionId": "s1", "isSidechain": True, "agentId": "a7", "type": "user", "message": said}
    recording = one(lines({**common, "uuid": "u1", "parentUuid": None}), "claude-code")
    assert recording.run.id == "s1/a7"


def test_codex_before_its_lines_had_types() -> None:
    recording = one(
        lines(
            {"id": "old-1", "timestamp": "2025-06-01T00:00:00Z", "instructions": "Be brief."},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "List the folder"}]},
            {"record_type": "state"},
            {"type": "function_call", "name": "shell", "arguments": '{"command": ["ls"]}', "call_id": "c1"},
            {"type": "function_call_output", "call_id": "c1", "output": "a.txt"},
        ),
        "codex",
    )
    assert outline(recording) == ["task:Codex", "model_call:model", "tool_call:shell"]
    assert (recording.run.id, recording.run.task) == ("old-1", "List the folder")


def test_langfuse_observations_one_a_line() -> None:
    row: dict[str, Any] = {
        "id": "o1",
        "trace_id": "t1",
        "parent_observation_id": None,
        "type": "GENERATION",
        "name": "chat",
    }
    row |= {"start_time": "2026-01-02T03:04:05Z", "input": [{"role": "user", "content": "hi"}], "output": "ho"}
    row |= {"usage_details": {"input": 3, "output": 1}, "model": "m"}
    recording = one(lines(row, {**row, "id": "o2", "parent_observation_id": "o1", "type": "TOOL"}), "langfuse")
    assert outline(recording) == ["model_call:chat", "tool_call:chat"]
    assert recording.steps[0].usage is not None
    assert recording.steps[0].usage.input_tokens == 3


def test_langsmith_runs_nested_and_judged() -> None:
    child: dict[str, Any] = {
        "id": "r2",
        "run_type": "llm",
        "name": "m",
        "inputs": {"messages": [{"role": "user", "content": "hi"}]},
    }
    child |= {"outputs": {"choices": [{"message": {"role": "assistant", "content": "ho"}, "finish_reason": "length"}]}}
    root: dict[str, Any] = {
        "id": "r1",
        "run_type": "chain",
        "name": "agent",
        "error": "ValueError('no')",
        "child_runs": [child],
    }
    root |= {"feedback_stats": {"correctness": {"avg": 0.0}}}
    recording = one(json.dumps({"runs": [root], "cursor": "next"}).encode(), "langsmith")
    assert outline(recording) == ["task:agent", "model_call:m"]
    assert recording.steps[1].finish_reason == "length"
    assert recording.run.outcome is Outcome.FAILED
    assert "feedback_stats" in json.dumps(recording.run.attributes["evaluation"])
    assert recording.run.attributes["pages"] == [{"cursor": "next"}]


def test_inspect_logs_without_events_and_with_old_transcripts() -> None:
    said = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "attachment://a1"}]
    header: dict[str, Any] = {"version": 2, "status": "success", "eval": {"task": "t", "model": "m", "run_id": "r"}}
    sample: dict[str, Any] = {
        "id": 1,
        "epoch": 2,
        "messages": said,
        "attachments": {"a1": "ho" * 50},
        "target": "secret answer",
    }
    sample["scores"] = {"match": {"value": "I"}}
    recording = one(json.dumps({**header, "samples": [sample]}).encode(), "inspect")
    assert outline(recording) == ["task:t", "model_call:model"]
    assert "ho" * 50 in recording.texts.values()
    assert (recording.run.outcome, recording.run.id) == (Outcome.FAILED, "r/1/2")
    assert "secret answer" not in json.dumps([step.model_dump(mode="json") for step in recording.steps])
    event: dict[str, Any] = {"event": "model", "model": "m", "input": [{"role": "user", "content": "attachment://b2"}]}
    event |= {"output": {"choices": [{"message": {"role": "assistant", "content": "ho"}, "stop_reason": "max_tokens"}]}}
    old = {"id": 1, "transcript": {"events": [event], "content": {"b2": "kept apart"}}}
    recording = one(json.dumps({**header, "samples": [old]}).encode(), "inspect")
    assert recording.texts[recording.steps[1].input[0].text] == "kept apart"
    assert recording.steps[1].finish_reason == "length"


def test_tau2_simulations() -> None:
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "tool_calls": [{"id": "c", "name": "find", "arguments": {"k": 1}}], "content": None},
        {"role": "tool", "id": "c", "content": "no", "error": True},
    ]
    trial = {"id": "x", "task_id": "7", "messages": messages, "reward_info": {"reward": 0.0}}
    data = json.dumps({"info": {}, "tasks": [{"id": "7", "gold": "expected"}], "simulations": [trial]}).encode()
    recording = one(data, "tau-bench")
    assert outline(recording) == ["task:assistant", "model_call:assistant", "tool_call:find"]
    assert recording.steps[2].status is Status.ERROR
    assert (recording.run.outcome, recording.run.score) == (Outcome.FAILED, 0.0)


def test_swe_agent_with_tool_calls_and_the_request_as_sent() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
    history: list[dict[str, Any]] = [
        {"role": "system", "content": "You act."},
        {"role": "assistant", "content": "I look.", "tool_calls": [call], "action": "ls"},
        {"role": "tool", "content": "OBSERVATION:\na.txt", "tool_call_ids": ["c1"]},
    ]
    done = {
        "response": "I look.",
        "action": "ls",
        "observation": "a.txt",
        "query": [*history[:1], {"role": "user", "x": "y"}],
    }
    recording = one(json.dumps({"trajectory": [done], "history": history, "info": {}}).encode(), "swe-agent")
    assert outline(recording) == ["task:SWE-agent", "model_call:model", "tool_call:bash", "context_build:not answered"]
    assert recording.steps[2].output[0].call_id == "c1"
    assert recording.steps[2].attributes["query"] == {"1": {"role": "user", "x": "y"}}

"""Every reader over a sample of its format: what steps it makes, what it keeps, and that nothing is lost."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from benchmarks.conservation import lost_texts
from harnessfix_collectors.files import TraceFile
from harnessfix_collectors.readers import all_readers, read_bytes, reader_of
from harnessfix_collectors.readers.base import EVALUATION
from harnessfix_ir.recording import Recording
from harnessfix_ir.vocabulary import Outcome, Status

SAMPLES = Path(__file__).parent / "samples"
FILES = sorted([*SAMPLES.glob("*.jsonl"), *(SAMPLES / "files").iterdir()])

OUTLINES = {
    "ag-ui.jsonl": "task:agent model_call:model tool_call:lookup model_call:model error:RUN_ERROR!",
    "atif.json": "task:terminus-2 model_call:scripted tool_call:run model_call:scripted tool_call:delegate "
    "model_call:scripted task:helper model_call:small",
    "claude-code.jsonl": "task:Claude_Code model_call:claude-sample tool_call:Bash! model_call:claude-sample "
    "tool_call:Task tool_call:Read task:subagent model_call:claude-sample lifecycle:api_error! "
    "model_call:claude-sample",
    "codex.jsonl": "task:Codex model_call:gpt-sample tool_call:shell model_call:gpt-sample tool_call:apply_patch "
    "context_build:compacted model_call:gpt-sample error:turn_aborted!",
    "codex-exec.jsonl": "task:Codex model_call:model tool_call:command_execution tool_call:read! model_call:model",
    "langfuse.json": "task:finder model_call:chat tool_call:lookup!",
    "langsmith.jsonl": "task:finder model_call:GenericFakeChatModel tool_call:lookup model_call:GenericFakeChatModel",
    "mini-swe-agent.traj.json": "task:minisweagent.agents.default.DefaultAgent model_call:deterministic tool_call:bash "
    "model_call:deterministic tool_call:bash model_call:deterministic tool_call:bash submit:exit",
    "openai-agents.jsonl": "task:Agent_workflow task:finder lifecycle:turn model_call:scripted tool_call:lookup "
    "lifecycle:turn model_call:scripted",
    "openhands.json": "task:OpenHands lifecycle:agent_state_changed model_call:scripted tool_call:execute_bash "
    "model_call:model tool_call:edit! model_call:model submit:finish",
    "phoenix-rest.json": "model_call:ChatCompletion",
    "phoenix.json": "task:finder model_call:ChatCompletion tool_call:lookup!",
    "swe-agent.traj": "task:SWE-agent model_call:model tool_call:open model_call:model tool_call:submit "
    "submit:submission",
    "tau-bench.json": "task:assistant model_call:assistant tool_call:get_user model_call:assistant "
    "context_build:not_answered",
    "trail.json": "lifecycle:main task:CodeAgent.run model_call:LiteLLMModel.__call__ lifecycle:Step_1!",
    "who-and-when.json": "task:team model_call:Planner_Expert model_call:Coder_Expert tool_call:Computer_terminal! "
    "model_call:Planner_Expert",
}
SECRETS_OF_JUDGES = {
    "trail.json": "2 (Phobos and Deimos)",
    "who-and-when.json": "exactly two, Phobos and Deimos",
    "tau-bench.json": "cancel_order",
    "langfuse.json": "half right",
}


def read(path: Path) -> list[Recording]:
    file = TraceFile.at(path)
    return list(reader_of(file).read(file))


def outline(recording: Recording) -> str:
    names = (f"{step.kind}:{step.name}{'!' * (step.status is Status.ERROR)}" for step in recording.steps)
    return " ".join(name.replace(" ", "_") for name in names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_text_is_in_the_steps_or_kept_beside_them(path: Path) -> None:
    lost = lost_texts(path.read_bytes(), read(path))
    # An Inspect log refers to its large texts; the reference is replaced by the text.
    assert [text for text in lost if not text.startswith("attachment://")] == []


CLOSED = {"otlp-json"}  # protobuf's JSON has fields of the schema alone; what is unknown there is an attribute


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix != ".eval"], ids=lambda path: path.name)
def test_what_nobody_has_heard_of_is_kept_wherever_it_stands(path: Path) -> None:
    """Every object of the sample gets one more field of its own, as a later version of its writer may add."""
    name, whole = reader_of(TraceFile.at(path)).name, path.read_text()
    try:
        documents = [json.loads(whole)]
    except ValueError:
        documents = [json.loads(line) for line in whole.splitlines()]
    added: list[str] = []

    def more(value: Any, key: str = "") -> Any:
        if isinstance(value, list):
            return [more(item, key) for item in value]
        if not isinstance(value, dict):
            return value
        grown = {inner: more(item, inner) for inner, item in value.items()}
        if name in CLOSED:
            for key in ("attributes", "events") if "spanId" in value else ():
                added.append(f"unheard of <{len(added)}>")
                attribute = {"key": f"more.{len(added)}", "value": {"stringValue": added[-1]}}
                grown[key] = [*grown.get(key, []), attribute if key == "attributes" else {"attributes": [attribute]}]
            return grown
        added.append(f"unheard of <{len(added)}>")
        return {**grown, f"more_{len(added)}": added[-1]}

    data = "\n".join(json.dumps(more(document)) for document in documents).encode()
    assert added
    assert lost_texts(data, list(read_bytes(data, path.name, name))) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_steps_cite_texts_that_are_there_and_parents_come_first(path: Path) -> None:
    for recording in read(path):
        ids = [step.id for step in recording.steps]
        assert ids == [f"s{number}" for number in range(1, len(ids) + 1)]
        assert all(step.parent is None or step.parent in ids for step in recording.steps)
        assert {part.text for step in recording.steps for part in (*step.input, *step.output)} <= set(recording.texts)
        assert recording.run.id
        assert recording.run.format


@pytest.mark.parametrize("name", OUTLINES)
def test_outline(name: str) -> None:
    assert outline(read(SAMPLES / "files" / name)[0]) == OUTLINES[name]


def test_every_format_has_a_sample_and_tells_what_it_maps() -> None:
    covered = {reader_of(TraceFile.at(path)).name for path in FILES}
    # In test_frameworks.py, and in tests/receiver/test_received_texts.py.
    elsewhere = {"harnessfix-probe", "otlp-protobuf", "otlp-received"}
    assert {reader.name for reader in all_readers()} == covered | elsewhere
    assert all(reader.title and reader.maps and reader.keeps for reader in all_readers())


@pytest.mark.parametrize("name", SECRETS_OF_JUDGES)
def test_what_judges_a_run_is_no_part_of_its_steps(name: str) -> None:
    recording = read(SAMPLES / "files" / name)[0]
    answer = SECRETS_OF_JUDGES[name]
    assert answer not in json.dumps([step.model_dump(mode="json") for step in recording.steps])
    assert answer not in "".join(recording.texts.values())
    assert answer in json.dumps(recording.run.attributes[EVALUATION])


def test_rewards_and_judgements_become_labels() -> None:
    passed, failed = read(SAMPLES / "files" / "tau-bench.json")
    assert (passed.run.outcome, passed.run.outcome_by, passed.run.score) == (Outcome.PASSED, EVALUATION, 1.0)
    assert (failed.run.outcome, failed.run.score) == (Outcome.FAILED, 0.0)
    assert passed.run.task == failed.run.task
    (judged,) = read(SAMPLES / "files" / "who-and-when.json")
    assert (judged.run.outcome, judged.run.outcome_by) == (Outcome.FAILED, EVALUATION)
    mistake = int(judged.run.attributes[EVALUATION]["mistake_step"])  # type: ignore[index,call-overload,arg-type]
    (blamed,) = [step for step in judged.steps if step.attributes.get("index") == mistake]
    assert blamed.agent == "Coder_Expert"
    (scored,) = read(SAMPLES / "files" / "langfuse.json")
    assert (scored.run.outcome, scored.run.score) == (Outcome.UNKNOWN, 0.5)
    (inspected,) = read(SAMPLES / "files" / "inspect.eval")
    assert (inspected.run.outcome, inspected.run.outcome_by) == (Outcome.PASSED, EVALUATION)


def test_a_reused_call_id_answers_the_oldest_open_call() -> None:
    (recording,) = read(SAMPLES / "files" / "claude-code.jsonl")
    calls = {step.name: step for step in recording.steps if step.kind == "tool_call"}
    assert recording.texts[calls["Bash"].output[0].text].startswith("1 failed")
    assert recording.texts[calls["Read"].output[0].text].startswith("def parse_line")
    assert calls["Bash"].output[0].call_id == calls["Read"].output[0].call_id


def test_requests_are_put_together_again() -> None:
    (recording,) = read(SAMPLES / "files" / "claude-code.jsonl")
    last = recording.steps[-1]
    kinds = [part.kind for part in last.input]
    assert (
        kinds
        == ["text", "reasoning", "text", "tool_call", "tool_result", "tool_call", "tool_call"] + ["tool_result"] * 2
    )
    (codex,) = read(SAMPLES / "files" / "codex.jsonl")
    after = codex.steps[6]
    assert [codex.texts[part.text] for part in after.input] == ["Counted a.txt: 3 lines."], "a compaction forgets"


def test_inspect_texts_are_put_back_from_the_pools() -> None:
    (recording,) = read(SAMPLES / "files" / "inspect.eval")
    first, second = (step for step in recording.steps if step.kind == "model_call")
    assert recording.texts[first.input[0].text] == "Answer with the tool. " * 10
    assert [part.role for part in second.input] == ["system", "user", "assistant", "assistant", "tool"]
    assert first.usage is not None


def test_server_sent_events_are_read_as_lines_are() -> None:
    lines = (SAMPLES / "files" / "ag-ui.jsonl").read_text().splitlines()
    stream = "".join(f"event: message\ndata: {line}\n\n" for line in lines).encode()
    (recording,) = read_bytes(stream, "stream.txt")
    assert outline(recording) == OUTLINES["ag-ui.jsonl"]


def test_phoenix_rows_of_a_data_frame() -> None:
    row = {
        "name": "ChatCompletion",
        "span_kind": "LLM",
        "parent_id": None,
        "start_time": 1767322000000,
        "context.span_id": "00",
        "context.trace_id": "11",
        "attributes.llm.input_messages": [{"message.role": "user", "message.content": "hi"}],
    }
    (recording,) = read_bytes(json.dumps([row]).encode(), "spans.json")
    assert outline(recording) == "model_call:ChatCompletion"
    assert recording.texts[recording.steps[0].input[0].text] == "hi"


VALUES: list[Any] = [None, True, -1, 1e300, "", "x", [], {}, [None], {"a": [1]}, [[["x"]]], "attachment://", "[", 2**70]


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix != ".eval"], ids=lambda path: path.name)
def test_tampered_files_are_read_or_refused(path: Path) -> None:
    from harnessfix_ir.errors import BadInputError

    chance = random.Random(path.name)
    name = reader_of(TraceFile.at(path)).name
    whole = path.read_text()
    try:
        documents = [json.loads(whole)]
    except ValueError:
        documents = [json.loads(line) for line in whole.splitlines()]
    for _ in range(150):
        tampered = json.loads(json.dumps(documents))
        for _ in range(chance.randint(1, 6)):
            _tamper(chance.choice(tampered), chance)
        data = "\n".join(json.dumps(each) for each in tampered).encode()
        try:
            runs = list(read_bytes(data, path.name, name))
        except BadInputError:
            continue
        for run in runs:
            assert {part.text for step in run.steps for part in (*step.input, *step.output)} <= set(run.texts)


def _tamper(value: Any, chance: random.Random) -> None:
    while isinstance(value, dict | list) and value:
        key = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
        inner = value[key]
        if not isinstance(inner, dict | list) or not inner or chance.random() < 0.25:
            value[key] = json.loads(json.dumps(chance.choice(VALUES)))
            return
        value = inner

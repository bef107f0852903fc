"""ATIF, the Agent Trajectory Interchange Format, 1.0 to 1.8: Harbor's `trajectory.json`, and what others write in it.

Steps are counted from 1. Format: Harbor's `docs/rfcs/0001-trajectory-format.md`.
"""

from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.files import TraceFile, Trouble, records
from harnessfix_collectors.messages import message_parts, result_text
from harnessfix_collectors.opening import Opening
from harnessfix_collectors.transcript import StepDraft, Transcript, task_name
from harnessfix_collectors.values import as_text, dig, mapping, name_of, nanoseconds, objects, string, whole
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import Part, Usage
from harnessfix_ir.texts import digest
from harnessfix_ir.vocabulary import StepKind

from .base import Reader

DEEPEST = 10


class Atif(Reader):
    """One trajectory a file, or one a line."""

    name = "atif"
    title = "ATIF trajectory (Harbor), 1.0 to 1.8"
    maps = (
        "Agent steps are model calls with their tool calls and results; embedded subagents are episodes below the call."
    )
    keeps = (
        "Step ids, metrics beyond tokens and `extra` with the step; agent, notes and final metrics with the first one."
    )
    priority = 20
    many = True

    def recognises(self, opening: Opening) -> bool:
        """By its schema version."""
        versions = opening.values.get("schema_version", frozenset())
        return any(version.startswith("ATIF") for version in versions) or opening.has("steps.step_id", "steps.source")

    def read(self, file: TraceFile) -> Iterator[Recording]:
        """One recording per trajectory."""
        trouble = Trouble(file.name)
        found = False
        for place, value in records(file, trouble):
            if not isinstance(value, dict) or not isinstance(value.get("steps"), list):
                trouble(f"{place}: no list `steps` in it; it was skipped")
                continue
            found = True
            yield _recording(value, file.name, trouble)
        if not found:
            raise BadInputError(
                trouble.notes[0] if trouble.notes else f"{file.name}: no trajectory in it",
                hint="Expected an ATIF trajectory with a list `steps`.",
            )

    def split(self, value: Any) -> Iterator[tuple[str, Any]]:
        """Every trajectory by itself."""
        yield digest(as_text(value)), value


def _recording(value: dict[str, Any], filename: str, trouble: Trouble) -> Recording:
    agent = name_of(dig(value, "agent", "name")) or "agent"
    script = Transcript(Atif.name, filename, agent)
    _trajectory(script, value, script.root, 0)
    first = next((part.text for part in script.context if part.role == "user"), None)
    session = name_of(value.get("trajectory_id")) or name_of(value.get("session_id"))
    times = [nanoseconds(step.get("timestamp")) for step in objects(value["steps"])]
    known = [time for time in times if time is not None]
    return script.recording(
        RunInfo(
            id=session or digest(as_text(value)),
            name=session or filename,
            task=task_name(script.pool.texts[first]) if first else "",
            started_ns=min(known, default=None),
            ended_ns=max(known, default=None),
            format=Atif.name,
            attributes={"schema_version": string(value.get("schema_version"))},
        ),
        trouble.notes,
    )


def _trajectory(script: Transcript, value: dict[str, Any], root: StepDraft | None, depth: int) -> None:
    """All steps of one trajectory, and of the subagents in it below the step that refers to them."""
    about = {key: item for key, item in value.items() if key not in ("steps", "subagent_trajectories")}
    if root is not None:
        script.keep(root, about)
    model = name_of(dig(value, "agent", "model_name")) or "model"
    referring: dict[str, StepDraft] = {}
    for step in objects(value.get("steps")):
        for draft, reference in _step(script, step, model):
            referring[reference] = draft
    for inner in objects(value.get("subagent_trajectories")):
        names = [name_of(inner.get("trajectory_id")), name_of(inner.get("session_id"))]
        parent = next((referring[name] for name in names if name in referring), None)
        agent = name_of(dig(inner, "agent", "name")) or "subagent"
        if depth < DEEPEST:
            below = script.inside(agent, parent)
            _trajectory(below, inner, below.root, depth + 1)
            below.close()
        else:
            script.add(StepKind.LIFECYCLE, agent, inner, missing=["nested too deeply to be read"])


def _step(script: Transcript, step: dict[str, Any], model: str) -> Iterator[tuple[StepDraft, str]]:
    """Add one step; yields the steps that refer to subagents, with the reference."""
    time = nanoseconds(step.get("timestamp"))
    about = {key: item for key, item in step.items() if key != "observation"}
    beside = {key: item for key, item in mapping(step.get("observation")).items() if key != "results"}
    if beside:
        about["observation"] = beside
    source = string(step.get("source"))
    calls = objects(step.get("tool_calls"))
    parts = _parts(script, step, calls)
    if source != "agent" or step.get("is_copied_context"):
        script.hear(parts, about)
    elif step.get("llm_call_count") == 0:
        carrier = script.add(StepKind.LIFECYCLE, "dispatch", about, output=parts, ended_ns=time)
        for part in parts:
            if part.kind == "tool_call":
                script.call(part, parent=carrier.parent, started_ns=time)
    else:
        script.reply(
            name_of(step.get("model_name")) or model,
            parts,
            about,
            usage=_usage(mapping(step.get("metrics"))),
            ended_ns=time,
        )
    names = {name_of(call.get("tool_call_id")): name_of(call.get("function_name")) for call in calls}
    for result in objects(dig(step, "observation", "results")):
        call_id = name_of(result.get("source_call_id"))
        text = script.pool.put(result_text(result.get("content") if result.get("content") is not None else ""))
        asked = bool(calls) and source == "agent"
        part = Part(
            role="result", text=text, kind="tool_result", call_id=call_id, name=names.get(call_id) or "environment"
        )
        done = script.result([part], result, asked=asked, ended_ns=time)
        for reference in objects(result.get("subagent_trajectory_ref")):
            for key in ("trajectory_id", "session_id"):
                if name_of(reference.get(key)):
                    yield done, str(reference[key])


def _parts(script: Transcript, step: dict[str, Any], calls: list[dict[str, Any]]) -> list[Part]:
    role = {"agent": "assistant", "user": "user"}.get(string(step.get("source")), "system")
    parts: list[Part] = []
    if string(step.get("reasoning_content")):
        parts.append(Part(role=role, text=script.pool.put(step["reasoning_content"]), kind="reasoning"))
    if step.get("message"):
        parts += message_parts({"role": role, "content": step["message"]}, script.pool)
    for call in calls:
        text = script.pool.put(as_text(call.get("arguments")))
        name, call_id = name_of(call.get("function_name")), name_of(call.get("tool_call_id"))
        parts.append(Part(role=role, text=text, kind="tool_call", name=name, call_id=call_id))
    return parts


def _usage(metrics: dict[str, Any]) -> Usage | None:
    usage = Usage(
        input_tokens=whole(metrics.get("prompt_tokens")),
        output_tokens=whole(metrics.get("completion_tokens")),
        cached_tokens=whole(metrics.get("cached_tokens")),
    )
    return usage if usage.input_tokens is not None or usage.output_tokens is not None else None

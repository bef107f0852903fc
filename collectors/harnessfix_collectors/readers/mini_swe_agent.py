"""mini-swe-agent trajectories, `*.traj.json`.

Format: `info` and `messages`, the latter as they were sent to the model, with `extra` for what the provider and the
environment added (https://mini-swe-agent.com/latest/usage/output_files/). A trajectory has no spans; each assistant
turn becomes a model call, each observation the tool call that it answers.
"""

import json
from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.dialects.base import as_text, finish_reason, message_parts
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import ErrorInfo, Part, Source, TraceStep, Usage
from harnessfix_ir.texts import TextPool, digest
from harnessfix_ir.vocabulary import Outcome, Status, StepKind

from .base import Reader

MESSAGE_KEYS = {"role", "content", "tool_calls", "tool_call_id", "name"}


class MiniSweAgent(Reader):
    """One trajectory a file."""

    name = "mini-swe-agent"
    title = "mini-swe-agent trajectory (.traj.json)"
    priority = 5

    def recognises(self, head: bytes, filename: str) -> bool:
        """By its format marker, else by `messages` beside an `info` with model statistics."""
        if b'"trajectory_format": "mini-swe-agent' in head or b'"mini_version"' in head:
            return True
        return filename.endswith(".traj.json") and (b'"messages"' in head or b'"role"' in head)

    def read(self, data: bytes, filename: str) -> Iterator[Recording]:
        """The one run of the file."""
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise BadInputError(
                f"{filename}: not a whole trajectory: {error}",
                hint="Was the program still writing it, or the file cut?",
            ) from None
        if isinstance(document, list):  # before 1.0 a trajectory was the bare list
            document = {"messages": document}
        messages = document.get("messages") if isinstance(document, dict) else None
        if not isinstance(messages, list):
            raise BadInputError(f"{filename}: no list `messages` in it", hint="Expected a mini-swe-agent trajectory.")
        yield _Trajectory(document, [m for m in messages if isinstance(m, dict)], filename).recording()


class _Trajectory:
    def __init__(self, document: dict[str, Any], messages: list[dict[str, Any]], filename: str) -> None:
        self.info = document["info"] if isinstance(document.get("info"), dict) else {}
        self.rest = {key: value for key, value in document.items() if key not in ("info", "messages")}
        self.messages = messages
        self.filename = filename
        self.pool = TextPool()
        self.steps: list[TraceStep] = []
        self.context: list[Part] = []
        self.calls: dict[str, str] = {}

    def recording(self) -> Recording:
        root = self._add(StepKind.TASK, self._agent(), attributes=self.rest)
        turn: str | None = None
        for message in self.messages:
            parts = list(message_parts([message], self.pool))
            match message.get("role"):
                case "assistant":
                    turn = self._model_call(message, parts, root)
                case "exit":
                    self._add(StepKind.SUBMIT, "exit", parent=root, output=parts, attributes=_rest(message))
                case "user" | "tool" if turn is not None:
                    self._observation(message, parts, root)
            self.context.extend(parts)
        return Recording(run=self._run(), steps=tuple(self.steps), texts=self.pool.texts)

    def _add(self, kind: StepKind, name: str, *, parent: str | None = None, **fields: Any) -> str:
        step_id = f"s{len(self.steps) + 1}"
        source = Source(format=MiniSweAgent.name, file=self.filename)
        for side in ("input", "output"):
            fields[side] = tuple(fields.get(side, ()))
        self.steps.append(TraceStep(id=step_id, parent=parent, kind=kind, name=name, source=source, **fields))
        return step_id

    def _model_call(self, message: dict[str, Any], parts: list[Part], root: str) -> str:
        response = _dig(message, "extra", "response")
        choice = (_dig(response, "choices") or [{}])[0]
        for part in parts:
            if part.kind == "tool_call" and part.call_id:
                self.calls[part.call_id] = part.name or "tool"
        return self._add(
            StepKind.MODEL_CALL,
            str(_dig(response, "model") or _dig(self.info, "config", "model", "model_name") or "model"),
            parent=root,
            input=self.context,
            output=parts,
            finish_reason=finish_reason(_dig(choice, "finish_reason")),
            usage=_usage(_dig(response, "usage")),
            attributes=_rest(message),
        )

    def _observation(self, message: dict[str, Any], parts: list[Part], root: str) -> None:
        results = [
            Part(role="result", text=part.text, kind="tool_result", call_id=part.call_id, name=part.name)
            for part in parts
        ]
        found = message.get("extra")
        extra: dict[str, Any] = found if isinstance(found, dict) else {}
        trouble = _dig(extra, "exception_info")
        call_id = message.get("tool_call_id")
        self._add(
            StepKind.TOOL_CALL if message.get("role") == "tool" or "returncode" in extra else StepKind.CONTEXT_BUILD,
            self.calls.get(str(call_id), "bash" if "returncode" in extra else "observation"),
            parent=root,
            output=results,
            status=Status.ERROR if trouble else Status.OK,
            error=ErrorInfo(type=str(trouble).partition(":")[0], message=as_text(trouble)) if trouble else None,
            attributes=_rest(message),
        )

    def _agent(self) -> str:
        return str(_dig(self.info, "config", "agent_type") or "agent")

    def _run(self) -> RunInfo:
        status = self.info.get("exit_status")
        name = str(_dig(self.rest, "instance_id") or self.filename.rsplit("/", 1)[-1].removesuffix(".traj.json"))
        failed = bool(status) and status != "Submitted"
        times = [m["timestamp"] for m in self.messages if isinstance(m.get("timestamp"), int | float)]
        return RunInfo(
            id=digest(f"{name}\0{as_text(self.messages)}"),
            name=name,
            task=name,
            started_ns=int(min(times) * 1e9) if times else None,
            ended_ns=int(max(times) * 1e9) if times else None,
            outcome=Outcome.FAILED if failed else Outcome.UNKNOWN,
            outcome_by="exit_status" if failed else "",
            format=MiniSweAgent.name,
            attributes={"info": self.info},
        )


def _rest(message: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key not in MESSAGE_KEYS}


def _dig(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _usage(raw: Any) -> Usage | None:
    if not isinstance(raw, dict):
        return None
    counts = {key: raw[key] for key in ("prompt_tokens", "completion_tokens") if isinstance(raw.get(key), int)}
    return (
        Usage(input_tokens=counts.get("prompt_tokens"), output_tokens=counts.get("completion_tokens"))
        if counts
        else None
    )

"""mini-swe-agent trajectories, `*.traj.json`.

Format: `info` and `messages`, the latter as they were sent to the model, with `extra` for what the provider and the
environment added (https://mini-swe-agent.com/latest/usage/output_files/). A trajectory has no spans; each assistant
turn becomes a model call, each observation the tool call that it answers.
"""

import re
from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.dialects.base import finish_reason
from harnessfix_collectors.files import TraceFile, Trouble, document
from harnessfix_collectors.messages import message_parts
from harnessfix_collectors.opening import Opening
from harnessfix_collectors.transcript import Transcript
from harnessfix_collectors.values import as_text, dig, mapping, nanoseconds, objects, whole
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import Part, Usage
from harnessfix_ir.texts import digest
from harnessfix_ir.vocabulary import Outcome, StepKind

from .base import Reader

_BLOCK = re.compile(r"```(?:bash|mswea_bash_command)\s*\n(.*?)\n```", re.DOTALL)


class MiniSweAgent(Reader):
    """One trajectory a file."""

    name = "mini-swe-agent"
    title = "mini-swe-agent trajectory (.traj.json)"
    maps = (
        "Assistant messages are model calls with the messages before them; observations are tool calls; `exit` submits."
    )
    keeps = "What the provider and the environment added (`extra`) with the step; `info` with the run."
    priority = 5

    def recognises(self, opening: Opening) -> bool:
        """By its format marker, else by `messages` beside an `info` with model statistics."""
        if opening.has("trajectory_format") or opening.has("info.mini_version"):
            return True
        if opening.shape == "array" and opening.filename.endswith(".traj.json"):
            return opening.has("role", "content")
        known = opening.has("info", "messages.role") and not opening.has("history")
        return known and (opening.has("info.model_stats") or opening.filename.endswith(".traj.json"))

    def read(self, file: TraceFile) -> Iterator[Recording]:
        """The one run of the file."""
        trouble = Trouble(file.name)
        found = document(file, trouble)
        if isinstance(found, list):  # before 1.0 a trajectory was the bare list
            found = {"messages": found}
        messages = found.get("messages") if isinstance(found, dict) else None
        if not isinstance(messages, list) or not any("role" in message for message in objects(messages)):
            raise BadInputError(
                f"{file.name}: no `messages` with a role in it", hint="Expected a mini-swe-agent trajectory."
            )
        yield _Trajectory(found, objects(messages), file.name).recording(trouble)


class _Trajectory:
    def __init__(self, found: dict[str, Any], messages: list[dict[str, Any]], filename: str) -> None:
        self.info = mapping(found.get("info"))
        self.rest = {key: value for key, value in found.items() if key not in ("info", "messages")}
        self.messages = messages
        self.filename = filename
        agent = str(dig(self.info, "config", "agent_type") or "agent")
        self.script = Transcript(MiniSweAgent.name, filename, agent)
        assert self.script.root is not None
        self.script.root.attributes |= self.rest

    def recording(self, trouble: Trouble) -> Recording:
        replied = False
        for message in self.messages:
            parts = list(message_parts([message], self.script.pool))
            time = nanoseconds(message.get("timestamp") or dig(message, "extra", "timestamp"))
            match message.get("role"):
                case "assistant":
                    replied = True
                    self._model_call(message, parts, time)
                case "exit":
                    if self.script.awaiting and parts and dig(message, "extra", "exit_status") == "Submitted":
                        # The command that submits ends the run: its output is the submission.
                        self.script.result([_as_result(part, None) for part in parts], ended_ns=time, heard=False)
                    self.script.add(StepKind.SUBMIT, "exit", message, output=parts, ended_ns=time)
                case "user" | "tool" if replied:
                    self._observation(message, parts, time)
                case _:
                    self.script.hear(parts, message)
        return self.script.recording(self._run(), trouble.notes)

    def _model_call(self, message: dict[str, Any], parts: list[Part], time: int | None) -> None:
        response = dig(message, "extra", "response")
        choices = objects(dig(response, "choices"))
        self.script.reply(
            str(dig(response, "model") or dig(self.info, "config", "model", "model_name") or "model"),
            parts,
            message,
            finish_reason=finish_reason(choices[0].get("finish_reason")) if choices else None,
            usage=_usage(dig(response, "usage")),
            ended_ns=time,
        )
        if not any(part.kind == "tool_call" for part in parts):
            for command in _commands(message):
                text = self.script.pool.put(command)
                self.script.call(Part(role="assistant", text=text, kind="tool_call", name="bash"))

    def _observation(self, message: dict[str, Any], parts: list[Part], time: int | None) -> None:
        extra = mapping(message.get("extra"))
        if message.get("role") != "tool" and "returncode" not in extra and not self.script.awaiting:
            self.script.add(StepKind.CONTEXT_BUILD, "observation", message, output=parts, ended_ns=time)
            self.script.context.extend(parts)
            return
        call_id = message.get("tool_call_id")
        call_id = str(call_id) if call_id else None
        step = self.script.result([_as_result(part, call_id) for part in parts], message, ended_ns=time)
        trouble = extra.get("exception_info")
        if trouble:
            step.fail(as_text(trouble).partition(":")[0], as_text(trouble))

    def _run(self) -> RunInfo:
        status = self.info.get("exit_status")
        name = str(dig(self.rest, "instance_id") or self.filename.rsplit("/", 1)[-1].removesuffix(".traj.json"))
        failed = bool(status) and status != "Submitted"
        times = [time for m in self.messages if (time := nanoseconds(m.get("timestamp"))) is not None]
        return RunInfo(
            id=digest(f"{name}\0{as_text(self.messages)}"),
            name=name,
            task=name,
            started_ns=min(times, default=None),
            ended_ns=max(times, default=None),
            outcome=Outcome.FAILED if failed else Outcome.UNKNOWN,
            outcome_by="exit_status" if failed else "",
            format=MiniSweAgent.name,
            attributes={"info": self.info},
        )


def _as_result(part: Part, call_id: str | None) -> Part:
    return Part(role="result", text=part.text, kind="tool_result", call_id=call_id, name=part.name or "bash")


def _commands(message: dict[str, Any]) -> list[str]:
    """Commands of a text protocol, which has no tool calls: as they were parsed, else the one block in the reply."""
    actions = objects(dig(message, "extra", "actions"))
    if actions:
        return [as_text(action.get("command", action)) for action in actions]
    blocks = _BLOCK.findall(as_text(message.get("content") or ""))
    return [blocks[0].strip()] if len(blocks) == 1 else []


def _usage(raw: Any) -> Usage | None:
    inputs, outputs = whole(dig(raw, "prompt_tokens")), whole(dig(raw, "completion_tokens"))
    if inputs is None and outputs is None:
        return None
    return Usage(
        input_tokens=inputs,
        output_tokens=outputs,
        cached_tokens=whole(dig(raw, "prompt_tokens_details", "cached_tokens")),
        reasoning_tokens=whole(dig(raw, "completion_tokens_details", "reasoning_tokens")),
    )

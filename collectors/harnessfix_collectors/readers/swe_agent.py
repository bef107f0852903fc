"""SWE-agent trajectories, `<instance>.traj`: `trajectory` (what was done), `history` (what the model saw), `info`.

https://swe-agent.com/latest/usage/trajectories/
"""

from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.files import TraceFile, Trouble, document
from harnessfix_collectors.leftover import Held
from harnessfix_collectors.messages import message_parts
from harnessfix_collectors.opening import Opening
from harnessfix_collectors.transcript import Transcript
from harnessfix_collectors.values import as_text, dig, mapping, objects, string
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import Part
from harnessfix_ir.texts import digest
from harnessfix_ir.vocabulary import Outcome, StepKind

from .base import Reader


class SweAgent(Reader):
    """One trajectory a file."""

    name = "swe-agent"
    title = "SWE-agent trajectory (.traj)"
    maps = "Replies are model calls with the history before them, actions tool calls with their observations."
    keeps = (
        "State, execution time and thoughts with the step; environment, `info` and replay configuration with the run."
    )
    priority = 8

    def recognises(self, opening: Opening) -> bool:
        """By actions and observations, or by a history of agent messages alone."""
        if opening.has("trajectory.action") or opening.has("trajectory.observation"):
            return True
        return opening.filename.endswith(".traj") and opening.has("history.role", "history.content")

    def read(self, file: TraceFile) -> Iterator[Recording]:
        """The one run of the file."""
        trouble = Trouble(file.name)
        value = mapping(document(file, trouble))
        if not isinstance(value.get("trajectory", value.get("history")), list):
            raise BadInputError(f"{file.name}: no list `trajectory` in it", hint="Expected a SWE-agent trajectory.")
        yield _Trajectory(value, file.name).recording(trouble)


class _Trajectory:
    def __init__(self, value: dict[str, Any], filename: str) -> None:
        self.value, self.filename = value, filename
        self.info = mapping(value.get("info"))
        self.items = objects(value.get("trajectory"))
        self.script = Transcript(SweAgent.name, filename, "SWE-agent")
        self.done = 0

    def recording(self, trouble: Trouble) -> Recording:
        for message in objects(self.value.get("history")):
            parts = list(message_parts(_plain(message), self.script.pool))
            if message.get("is_demo") or message.get("role") in ("system", "user", "tool"):
                if message.get("role") == "tool" and not self.items:
                    self.script.result(parts, message)
                else:
                    self.script.hear(parts, message)
            else:
                self._turn(parts, message)
        while self.done < len(self.items):  # what was done and is not in the history (any more)
            response = string(self.items[self.done].get("response"))
            part = Part(role="assistant", text=self.script.pool.put(response))
            self._turn([part], None)
        submission = string(self.info.get("submission"))
        if submission:
            self.script.add(
                StepKind.SUBMIT, "submission", output=[Part(role="value", text=self.script.pool.put(submission))]
            )
        return self.script.recording(self._run(), trouble.notes)

    def _turn(self, parts: list[Part], message: dict[str, Any] | None) -> None:
        """One reply and the action that it led to."""
        model = string(dig(self.value, "replay_config", "agent", "model", "name")) or "model"
        self.script.reply(model, parts, message)
        if self.done >= len(self.items):
            return
        item = self.items[self.done]
        self.done += 1
        action = string(item.get("action"))
        if action and not any(part.kind == "tool_call" for part in parts):
            name = (action.split() or ["action"])[0]
            text = self.script.pool.put(action)
            self.script.call(Part(role="assistant", text=text, kind="tool_call", name=name[:60]))
        calls = [part for part in parts if part.kind == "tool_call"]
        observation = Part(
            role="result",
            text=self.script.pool.put(as_text(item.get("observation") or "")),
            kind="tool_result",
            call_id=calls[0].call_id if calls else None,
            name=calls[0].name if calls else None,
        )
        said = [self.script.pool.texts[part.text] for part in parts]
        rest = {
            key: value for key, value in item.items() if key != "query" and not (key == "response" and value in said)
        }
        step = self.script.result([observation], rest, heard=message is None, asked=bool(action or calls))
        # The request as it was sent, in newer versions: only what the history does not say of it is kept.
        query = Held(self.script.context, self.script.pool.texts).leftover(item.get("query"))
        if query is not None:
            step.attributes["query"] = query

    def _run(self) -> RunInfo:
        status = string(self.info.get("exit_status"))
        name = string(self.value.get("environment")) or self.filename
        name = self.filename.rsplit("/", 1)[-1].removesuffix(".traj") or name
        failed = bool(status) and not status.startswith("submitted")
        left = {key: item for key, item in self.value.items() if key not in ("history", "trajectory")}
        return RunInfo(
            id=digest(f"{name}\0{as_text(self.value)}"),
            name=name,
            task=name,
            outcome=Outcome.FAILED if failed else Outcome.UNKNOWN,
            outcome_by="exit_status" if failed else "",
            format=SweAgent.name,
            attributes=left,
        )


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """A message of the history with the call id where others have it."""
    ids = message.get("tool_call_ids")
    return {**message, "tool_call_id": ids[0]} if isinstance(ids, list) and ids else message

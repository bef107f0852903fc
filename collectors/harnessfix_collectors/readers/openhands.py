"""OpenHands: event streams of actions and observations, and `output.jsonl` of its evaluations.

An action carries the model's whole response; several actions of one response are parallel tool calls.

https://docs.all-hands.dev, `openhands/events/`
"""

from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.dialects.base import finish_reason
from harnessfix_collectors.files import TraceFile, Trouble, records
from harnessfix_collectors.messages import message_parts
from harnessfix_collectors.opening import Opening
from harnessfix_collectors.transcript import StepDraft, Transcript, task_name
from harnessfix_collectors.values import as_text, dig, mapping, name_of, nanoseconds, objects, string, whole
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import Part, Usage
from harnessfix_ir.texts import digest
from harnessfix_ir.vocabulary import Outcome, StepKind

from .base import EVALUATION, Reader

JUDGEMENT = ("test_result", "instance", "success", "comment_success", "result_explanation", "report")


class OpenHands(Reader):
    """One stream a file, or one evaluated instance a line."""

    name = "openhands"
    title = "OpenHands events and evaluation output"
    maps = "Actions are model calls and their tool calls, observations results; error observations fail their call."
    keeps = (
        "State changes are lifecycle steps; test results and instances `evaluation` of the run; metrics with the run."
    )
    priority = 8
    many = True

    def recognises(self, opening: Opening) -> bool:
        """By actions with a source, alone or in a history."""
        for prefix in ("", "history."):
            acts = opening.has(f"{prefix}action") and (opening.has(f"{prefix}source") or opening.has(f"{prefix}args"))
            if acts or (prefix and opening.has(f"{prefix}action", "metrics")):
                return True
        return opening.has("observation", "source", "extras")

    def read(self, file: TraceFile) -> Iterator[Recording]:
        """One recording per instance, or one for the stream."""
        trouble = Trouble(file.name)
        stream: list[dict[str, Any]] = []
        found = False
        for place, value in records(file, trouble):
            history = mapping(value).get("history")
            if isinstance(history, list):
                found = True
                yield _recording(_flat(history), mapping(value), file.name, trouble)
            elif isinstance(value, dict) and not {"action", "observation"}.isdisjoint(value):
                stream.append(value)
            else:
                trouble(f"{place}: no event; it was skipped")
        if stream:
            yield _recording(stream, {}, file.name, trouble)
        elif not found:
            raise BadInputError(
                trouble.notes[0] if trouble.notes else f"{file.name}: no events in it",
                hint="Expected OpenHands events: objects with `action` or `observation`.",
            )

    def split(self, value: Any) -> Iterator[tuple[str, Any]]:
        """Every instance by itself; the events of a stream stay together."""
        yield digest(as_text(value)) if "history" in mapping(value) else "", value


def _flat(history: list[Any]) -> list[dict[str, Any]]:
    """Events in order; old versions keep pairs of an action and its observation."""
    pairs = [event if isinstance(event, list) else [event] for event in history]
    return [event for pair in pairs for event in pair if isinstance(event, dict)]


def _recording(events: list[dict[str, Any]], about: dict[str, Any], filename: str, trouble: Trouble) -> Recording:
    stream = _Stream(filename)
    for event in events:
        stream.take(event)
    left = {key: value for key, value in about.items() if key not in ("history", *JUDGEMENT)}
    judged = {key: about[key] for key in JUDGEMENT if key in about}
    name = name_of(about.get("instance_id")) or task_name(stream.first) or filename
    failed = bool(about.get("error"))
    return stream.script.recording(
        RunInfo(
            id=digest(as_text([about, events])),
            name=name,
            task=name_of(about.get("instance_id")) or task_name(stream.first),
            started_ns=min(stream.times, default=None),
            ended_ns=max(stream.times, default=None),
            outcome=Outcome.FAILED if failed else Outcome.UNKNOWN,
            outcome_by="exception" if failed else "",
            format=OpenHands.name,
            attributes={**left, **({EVALUATION: judged} if judged else {})},
        ),
        trouble.notes,
    )


class _Stream:
    def __init__(self, filename: str) -> None:
        self.script = Transcript(OpenHands.name, filename, "OpenHands")
        self.first = ""
        self.times: list[int] = []
        self.responses: dict[str, tuple[StepDraft, dict[str, Any]]] = {}
        self.actions: dict[int, str | None] = {}

    def take(self, event: dict[str, Any]) -> None:
        time = nanoseconds(event.get("timestamp"))
        if time is not None:
            self.times.append(time)
        action = string(event.get("action"))
        content = dig(event, "args", "content") or event.get("content") or event.get("message")
        if "observation" in event:
            self._observation(event, time)
        elif action == "system" or (action == "message" and event.get("source", "user") == "user"):
            role = "system" if action == "system" else "user"
            if role == "user":
                self.first = self.first or as_text(content or "")
            self.script.hear(message_parts({"role": role, "content": content}, self.script.pool), event)
        elif action in ("change_agent_state", "null", "recall", "condensation") or event.get("source") == "environment":
            self.script.add(StepKind.LIFECYCLE, action or "event", event, started_ns=time, ended_ns=time)
        elif action == "finish":
            self._act(event, action, time)
            said = dig(event, "args", "final_thought") or dig(event, "args", "thought") or event.get("message") or ""
            part = Part(role="value", text=self.script.pool.put(as_text(said)))
            self.script.add(StepKind.SUBMIT, "finish", output=[part], ended_ns=time)
        else:
            self._act(event, action, time)

    def _act(self, event: dict[str, Any], action: str, time: int | None) -> None:
        told = mapping(event.get("tool_call_metadata"))
        response = mapping(told.get("model_response"))
        number = event.get("id")
        if isinstance(number, int):
            self.actions[number] = name_of(told.get("tool_call_id"))
        known = self.responses.get(string(response.get("id")) or "?")
        if known is not None:
            self.script.keep(known[0], event)
            return
        choices = objects(response.get("choices"))
        if choices:
            parts = list(message_parts(choices[0].get("message"), self.script.pool, "assistant"))
        else:
            parts = self._spoken(event, action)
        step = self.script.reply(
            string(response.get("model")) or "model",
            parts,
            event,
            finish_reason=finish_reason(choices[0].get("finish_reason")) if choices else None,
            usage=_usage(mapping(response.get("usage"))),
            ended_ns=time,
        )
        if string(response.get("id")):
            self.responses[string(response["id"])] = (step, response)

    def _spoken(self, event: dict[str, Any], action: str) -> list[Part]:
        """A reply whose raw response was not kept: the thought, and the action as a tool call."""
        args = mapping(event.get("args"))
        spoken = (args.get("content"), event.get("content")) if action in ("message", "think") else ()
        thought = next((said for said in (args.get("thought"), event.get("thought"), *spoken) if said), "")
        parts = [Part(role="assistant", text=self.script.pool.put(as_text(thought)))] if thought else []
        if action not in ("message", "finish", "think"):
            keys = ("thought", "action", "content", "source", "timestamp", "message")
            given = args or {key: value for key, value in event.items() if key not in keys}
            text = self.script.pool.put(as_text(given))
            parts.append(Part(role="assistant", text=text, kind="tool_call", name=action or "action"))
        return parts

    def _observation(self, event: dict[str, Any], time: int | None) -> None:
        kind = string(event.get("observation"))
        cause = event.get("cause")
        if kind in ("agent_state_changed", "null", "recall") or event.get("source") == "environment":
            self.script.add(StepKind.LIFECYCLE, kind or "event", event, started_ns=time, ended_ns=time)
            return
        call_id = name_of(dig(event, "tool_call_metadata", "tool_call_id"))
        call_id = call_id or (self.actions.get(cause) if isinstance(cause, int) else None)
        text = self.script.pool.put(as_text(event.get("content") or ""))
        # The model's response is mostly repeated with every observation; the reply has it already.
        told = mapping(event.get("tool_call_metadata"))
        response = mapping(told.get("model_response"))
        known = self.responses.get(string(response.get("id")) or "?")
        again = known is not None and known[1] == response
        about = {**event, "tool_call_metadata": {**told, "model_response": None}} if again else event
        name = name_of(told.get("function_name")) or (kind if kind != "error" else None)
        step = self.script.result(
            [Part(role="result", text=text, kind="tool_result", call_id=call_id, name=name)], about, ended_ns=time
        )
        if kind == "error" or event.get("success") is False:
            step.fail(string(event.get("error_id")) or "error", self.script.pool.texts[text])


def _usage(raw: dict[str, Any]) -> Usage | None:
    usage = Usage(
        input_tokens=whole(raw.get("prompt_tokens")),
        output_tokens=whole(raw.get("completion_tokens")),
        cached_tokens=whole(dig(raw, "prompt_tokens_details", "cached_tokens")),
    )
    return usage if usage.input_tokens is not None or usage.output_tokens is not None else None

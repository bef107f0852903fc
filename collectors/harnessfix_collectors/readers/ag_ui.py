"""AG-UI event streams: JSON lines, a list, or server-sent events; and the requests (`RunAgentInput`) that start them.

https://docs.ag-ui.com/concepts/events
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.files import TraceFile, Trouble, parse, records
from harnessfix_collectors.messages import message_parts
from harnessfix_collectors.opening import Opening
from harnessfix_collectors.transcript import StepDraft, Transcript
from harnessfix_collectors.values import as_text, mapping, name_of, nanoseconds, string
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import Part, StepEvent
from harnessfix_ir.texts import digest
from harnessfix_ir.vocabulary import Outcome, StepKind

from .base import Reader

OPENING = ("RUN_STARTED", "TEXT_MESSAGE_START", "TEXT_MESSAGE_CHUNK", "MESSAGES_SNAPSHOT", "STATE_SNAPSHOT")


class AgUi(Reader):
    """One stream a file; several runs in a stream are one recording, as they share their messages."""

    name = "ag-ui"
    title = "AG-UI event stream"
    maps = "Messages put together from their pieces are model calls with tool calls and results; errors fail the run."
    keeps = "State, steps, raw and custom events are events of the run's first step."
    priority = 9

    def recognises(self, opening: Opening) -> bool:
        """By event types, or a request's thread and run."""
        if opening.head.lstrip().startswith((b"data:", b"event:")):
            return any(word.encode() in opening.head for word in OPENING)
        return opening.says("type", *OPENING) or opening.has("threadId", "runId", "messages.role")

    def read(self, file: TraceFile) -> Iterator[Recording]:
        """The one recording of the file."""
        trouble = Trouble(file.name)
        stream = _Stream(file.name)
        for place, value in _events(file, trouble):
            if isinstance(value, dict):
                stream.take(value)
            else:
                trouble(f"{place}: no event; it was skipped")
        if not stream.count:
            raise BadInputError(
                trouble.notes[0] if trouble.notes else f"{file.name}: no events in it",
                hint="Expected AG-UI events, one a line, in a list, or as server-sent events.",
            )
        yield stream.recording(trouble)


def _events(file: TraceFile, trouble: Trouble) -> Iterator[tuple[str, Any]]:
    if not file.head(200).lstrip().startswith((b"data:", b"event:", b"id:", b":")):
        yield from records(file, trouble)
        return
    for number, line in file.lines(trouble):
        if line.startswith(b"data:"):
            place = f"{file.name}, line {number}"
            try:
                yield place, parse(line[5:].strip(), place, trouble)
            except ValueError as error:
                trouble(f"{place}: not JSON ({error}); the line was skipped")


class _Stream:
    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.script = Transcript(AgUi.name, filename, "agent")
        self.count = 0
        self.thread = self.run_id = ""
        self.times: list[int] = []
        self.outcome, self.by = Outcome.UNKNOWN, ""
        self.texts: dict[str, list[str]] = {}
        self.roles: dict[str, str] = {}
        self.calls: dict[str, tuple[str, list[str]]] = {}
        self.reply: StepDraft | None = None
        self.all: list[Any] = []
        self.seen: Counter[str] = Counter()

    def take(self, event: dict[str, Any]) -> None:
        self.count += isinstance(event.get("type"), str) or "messages" in event
        self.all.append(event)
        time = nanoseconds(event.get("timestamp"))
        if time is not None:
            self.times.append(time)
        kind = string(event.get("type"))
        self.seen[kind] += 1
        key = string(event.get("messageId")) or string(event.get("toolCallId"))
        delta = string(event.get("delta"))
        match kind:
            case "" if "messages" in event:
                self._request(event)
            case "RUN_STARTED":
                self.thread = self.thread or string(event.get("threadId"))
                self.run_id = self.run_id or string(event.get("runId"))
                self._note(kind, event, time)
            case "TEXT_MESSAGE_CONTENT" | "THINKING_TEXT_MESSAGE_CONTENT" | "REASONING_MESSAGE_CONTENT":
                self.texts.setdefault(key, []).append(delta)
                self._note_rest(kind, event, time)
            case "TEXT_MESSAGE_CHUNK":
                if key not in self.texts:
                    self._end_text(None, time)
                self.texts.setdefault(key, []).append(delta)
                self._note_rest(kind, event, time)
            case "TEXT_MESSAGE_END" | "THINKING_TEXT_MESSAGE_END" | "REASONING_MESSAGE_END":
                self._end_text(key, time, reasoning=not kind.startswith("TEXT"))
                self._note_rest(kind, event, time)
            case "TOOL_CALL_START" | "TOOL_CALL_ARGS" | "TOOL_CALL_CHUNK":
                call_id = string(event.get("toolCallId")) or next(reversed(self.calls), "")
                known = self.calls.setdefault(call_id, (name_of(event.get("toolCallName")) or "tool", []))
                known[1].append(delta)
                self._note_rest(kind, event, time)
            case "TOOL_CALL_END":
                self._end_call(string(event.get("toolCallId")), time)
                self._note_rest(kind, event, time)
            case "TOOL_CALL_RESULT":
                self._result(event, time)
            case "MESSAGES_SNAPSHOT" if not self.script.context:
                self._request(event)
            case "RUN_ERROR":
                self._finish(time)
                step = self.script.add(StepKind.ERROR, kind, event, started_ns=time, ended_ns=time)
                step.fail(string(event.get("code")) or "run_error", string(event.get("message")))
                self.outcome, self.by = Outcome.FAILED, "exception"
            case _:
                self._note(kind or "event", event, time)

    def recording(self, trouble: Trouble) -> Recording:
        self._finish(None)
        assert self.script.root is not None
        self.script.root.attributes["events"] = dict(self.seen)
        name = self.run_id or self.thread or self.filename
        run = RunInfo(
            id="/".join(part for part in (self.thread, self.run_id) if part) or digest(as_text(self.all)),
            name=name,
            started_ns=min(self.times, default=None),
            ended_ns=max(self.times, default=None),
            outcome=self.outcome,
            outcome_by=self.by,
            format=AgUi.name,
        )
        return self.script.recording(run, trouble.notes)

    def _request(self, event: dict[str, Any]) -> None:
        self.thread = self.thread or string(event.get("threadId"))
        self.run_id = self.run_id or string(event.get("runId"))
        self.script.hear(message_parts(event.get("messages") or [], self.script.pool), event)

    def _end_text(self, key: str | None, time: int | None, *, reasoning: bool = False) -> None:
        """A message is whole: part of the reply that is under way, or the first part of a new one."""
        keys = [key] if key is not None else list(self.texts)
        for each in keys:
            text = "".join(self.texts.pop(each, []))
            role = self.roles.get(each, "assistant")
            if text and role == "assistant":
                kind = "reasoning" if reasoning else "text"
                self._say(Part(role="assistant", text=self.script.pool.put(text), kind=kind), time)

    def _end_call(self, call_id: str, time: int | None) -> None:
        known = self.calls.pop(call_id, None)
        if known is not None:
            text = self.script.pool.put("".join(known[1]))
            part = Part(role="assistant", text=text, kind="tool_call", name=known[0], call_id=call_id)
            self._say(part, time)

    def _say(self, part: Part, time: int | None) -> None:
        if self.reply is None:
            self.reply = self.script.reply("model", [part], ended_ns=time)
        else:
            self.script.extend(self.reply, [part], None, time)

    def _result(self, event: dict[str, Any], time: int | None) -> None:
        self._finish(time)
        text = self.script.pool.put(as_text(event.get("content") or ""))
        call_id = name_of(event.get("toolCallId"))
        self.script.result([Part(role="result", text=text, kind="tool_result", call_id=call_id)], event, ended_ns=time)

    def _finish(self, time: int | None) -> None:
        """The reply is over: what comes next is another one."""
        self._end_text(None, time)
        for call_id in list(self.calls):
            self._end_call(call_id, time)
        self.reply = None

    def _note(self, name: str, event: dict[str, Any], time: int | None) -> None:
        assert self.script.root is not None
        values = {key: value for key, value in event.items() if key not in ("type", "timestamp")}
        self.script.root.events.append(StepEvent(name=name, time_ns=time, attributes=values))

    def _note_rest(self, name: str, event: dict[str, Any], time: int | None) -> None:
        """What an event says beyond the piece of text that was taken from it."""
        known = ("type", "delta", "toolCallId", "toolCallName")
        values = {key: value for key, value in event.items() if key not in known and value not in (None, "")}
        if set(values) - {"timestamp", "messageId", "parentMessageId"} or mapping(values).get("rawEvent"):
            self._note(name, values, time)

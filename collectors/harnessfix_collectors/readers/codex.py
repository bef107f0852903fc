"""Codex: rollouts (`~/.codex/sessions/**/rollout-*.jsonl`), of the first versions too, and `codex exec --json`.

A line is `{timestamp, type, payload}`; older ones are the payload alone. Items of one reply (reasoning, message,
function calls) lie in a row; a result, a message of the user or a token count ends it.

https://github.com/openai/codex, `codex-rs/protocol/src/protocol.rs` and `codex-rs/exec/src/exec_events.rs`
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.files import TraceFile, Trouble, records
from harnessfix_collectors.messages import CALLS, RESULTS, message_parts, role_of
from harnessfix_collectors.opening import Opening
from harnessfix_collectors.transcript import StepDraft, Transcript, task_name
from harnessfix_collectors.values import as_text, dig, mapping, name_of, nanoseconds, parse_json, string, whole
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import Part, StepEvent, Usage
from harnessfix_ir.texts import digest
from harnessfix_ir.vocabulary import StepKind

from .base import Reader

LINES = ("session_meta", "response_item", "event_msg", "turn_context", "compacted")
EXEC = ("thread.started", "turn.started", "item.completed", "turn.completed")
TROUBLE = ("error", "stream_error", "turn_aborted", "turn.failed")


class Codex(Reader):
    """One session a file."""

    name = "codex"
    title = "Codex rollout (.jsonl) and `codex exec --json`"
    maps = "Response items are model calls, tool calls and results; errors, aborted turns and compactions are steps."
    keeps = (
        "Session and turn settings, encrypted reasoning and the events that repeat messages, in attributes and events."
    )
    priority = 10

    def recognises(self, opening: Opening) -> bool:
        """By the types of its lines."""
        if opening.has("payload") and opening.says("type", *LINES):
            return True
        if opening.says("type", *EXEC):
            return True
        old = opening.says("type", "function_call", "message", "reasoning") and opening.has("id", "timestamp")
        return old and (opening.has("instructions") or opening.says("record_type", "state"))

    def read(self, file: TraceFile) -> Iterator[Recording]:
        """The one run of the file."""
        trouble = Trouble(file.name)
        rollout = _Rollout(file.name)
        count = 0
        for place, value in records(file, trouble):
            if isinstance(value, dict):
                count += isinstance(value.get("type"), str)
                rollout.take(value)
            else:
                trouble(f"{place}: no object; it was skipped")
        if not count:
            raise BadInputError(
                trouble.notes[0] if trouble.notes else f"{file.name}: no lines in it",
                hint="Expected a Codex rollout, one JSON object a line.",
            )
        yield rollout.recording(trouble)


class _Rollout:
    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.script = Transcript(Codex.name, filename, "Codex")
        self.model = "model"
        self.session = ""
        self.first = ""
        self.times: list[int] = []
        self.waiting: list[tuple[list[Part], dict[str, Any], int | None]] = []
        self.last: StepDraft | None = None
        self.seen: Counter[str] = Counter()

    def take(self, line: dict[str, Any]) -> None:
        time = nanoseconds(line.get("timestamp"))
        if time is not None:
            self.times.append(time)
        kind = string(line.get("type"))
        self.seen[kind] += 1
        payload = _carried(line, "payload")
        match kind:
            case "response_item" if payload:
                self._item(payload, time)
            case "event_msg" if payload:
                self._event(payload, time)
            case "compacted":
                self._compacted(payload or line, time)
            case "turn_context" | "session_meta":
                self._settings(kind, payload, time)
            case "item.completed":
                self._executed(_carried(line, "item"), time)
            case "turn.completed":
                self._flush(_usage(mapping(line.get("usage"))))
                self._note(kind, line, time)
            case _ if kind in TROUBLE:
                self._event(line, time)
            case _ if kind in CALLS | RESULTS or kind in ("message", "reasoning"):
                self._item(line, time)
            case _:
                self.session = self.session or string(line.get("thread_id")) or string(line.get("id"))
                self._note(kind or "session", line, time)

    def recording(self, trouble: Trouble) -> Recording:
        self._flush()
        assert self.script.root is not None
        self.script.root.attributes["lines"] = dict(self.seen)
        return self.script.recording(
            RunInfo(
                id=self.session or digest(self.first + self.filename),
                name=task_name(self.first) or self.session or self.filename,
                task=task_name(self.first),
                started_ns=min(self.times, default=None),
                ended_ns=max(self.times, default=None),
                format=Codex.name,
            ),
            trouble.notes,
        )

    def _item(self, item: dict[str, Any], time: int | None) -> None:
        kind = string(item.get("type"))
        parts = list(message_parts(item, self.script.pool, "assistant"))
        if kind in RESULTS:
            self._flush()
            step = self.script.result(parts, item, ended_ns=time)
            output = parse_json(item.get("output"))
            if dig(output, "success") is False:
                step.fail("tool_error", as_text(dig(output, "content") or ""))
        elif kind == "message" and role_of(item.get("role")) != "assistant":
            self._flush()
            text = self.script.pool.texts[parts[0].text] if parts else ""
            if role_of(item.get("role")) == "user" and not text.lstrip().startswith("<"):
                self.first = self.first or text
            self.script.hear(parts, item)
        else:
            self.waiting.append((parts, item, time))

    def _executed(self, item: dict[str, Any], time: int | None) -> None:
        """An item of `codex exec --json`: a call and its result in one."""
        kind = string(item.get("type"))
        if kind in ("agent_message", "reasoning"):
            role = "reasoning" if kind == "reasoning" else "text"
            part = Part(role="assistant", text=self.script.pool.put(string(item.get("text"))), kind=role)
            self.waiting.append(([part], item, time))
        elif kind == "error":
            self._event(item, time)
        else:
            self._flush()
            asked = item.get("command") or item.get("arguments") or item.get("query") or item.get("changes") or ""
            name = name_of(item.get("tool")) or kind or "item"
            text = self.script.pool.put(as_text(asked))
            self.script.call(Part(role="assistant", text=text, kind="tool_call", name=name), started_ns=time)
            given = item.get("aggregated_output", item.get("result"))
            result = Part(role="result", text=self.script.pool.put(as_text("" if given is None else given)), name=name)
            step = self.script.result([result], item, ended_ns=time)
            if item.get("status") == "failed":
                step.fail("tool_error", as_text(item.get("error") or ""))

    def _event(self, event: dict[str, Any], time: int | None) -> None:
        kind = string(event.get("type"))
        if kind == "token_count":
            self._flush(_usage(mapping(dig(event, "info", "last_token_usage"))))
        if kind not in TROUBLE:
            self._note(kind, event, time)
            return
        self._flush()
        step = self.script.add(StepKind.ERROR, kind, event, started_ns=time, ended_ns=time)
        words = event.get("message") or event.get("reason") or dig(event, "error", "message") or ""
        step.fail(kind, as_text(words))

    def _compacted(self, payload: dict[str, Any], time: int | None) -> None:
        self._flush()
        text = self.script.pool.put(string(payload.get("message")))
        part = Part(role="user", text=text)
        self.script.add(StepKind.CONTEXT_BUILD, "compacted", payload, output=[part], ended_ns=time)
        self.script.context.clear()
        kept = list(message_parts(payload.get("replacement_history") or [], self.script.pool))
        self.script.hear(kept or [part])

    def _settings(self, kind: str, payload: dict[str, Any], time: int | None) -> None:
        self.model = string(payload.get("model")) or self.model
        if kind == "session_meta":
            self.session = self.session or string(payload.get("id"))
        self._note(kind, payload, time)

    def _note(self, name: str, values: dict[str, Any], time: int | None) -> None:
        assert self.script.root is not None
        self.script.root.events.append(StepEvent(name=name, time_ns=time, attributes=values))

    def _flush(self, usage: Usage | None = None) -> None:
        """The items that lie in a row are one reply; a count that comes after a reply is that reply's."""
        if not self.waiting:
            if usage is not None and self.last is not None and self.last.usage is None:
                self.last.usage = usage
            return
        parts = [part for found, _, _ in self.waiting for part in found]
        times = [time for _, _, time in self.waiting if time is not None]
        items = [item for _, item, _ in self.waiting]
        self.waiting = []
        self.last = self.script.reply(self.model, parts, usage=usage, ended_ns=max(times, default=None))
        for item in items:
            self.script.keep(self.last, item)


def _carried(line: dict[str, Any], name: str) -> dict[str, Any]:
    """The object that a line carries; what else the line says goes with it as `line`."""
    inner = mapping(line.get(name))
    rest = {key: value for key, value in line.items() if key not in (name, "type", "timestamp")}
    return {**inner, "line": rest} if inner and rest else inner


def _usage(raw: dict[str, Any]) -> Usage | None:
    usage = Usage(
        input_tokens=whole(raw.get("input_tokens")),
        output_tokens=whole(raw.get("output_tokens")),
        cached_tokens=whole(raw.get("cached_input_tokens")),
        reasoning_tokens=whole(raw.get("reasoning_output_tokens")),
    )
    return usage if usage.input_tokens is not None or usage.output_tokens is not None else None

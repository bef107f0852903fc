"""One sample of an Inspect log: its events as steps."""

from typing import Any

from harnessfix_collectors.dialects.base import finish_reason
from harnessfix_collectors.files import Trouble
from harnessfix_collectors.leftover import Held
from harnessfix_collectors.messages import message_parts, result_text
from harnessfix_collectors.transcript import StepDraft, Transcript, task_name
from harnessfix_collectors.values import as_text, dig, mapping, name_of, nanoseconds, objects, string, whole
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import ErrorInfo, Part, Usage
from harnessfix_ir.texts import digest
from harnessfix_ir.vocabulary import Outcome, Status, StepKind

from .base import EVALUATION

ATTACHMENT = "attachment://"
JUDGEMENT = ("target", "scores", "choices", "score")
DEEPEST = 60
PASSED, FAILED = ("C", 1, 1.0, True, "CORRECT"), ("I", 0, 0.0, False, "N", "INCORRECT")
SPAN_KINDS = {"agent": StepKind.TASK, "subtask": StepKind.TASK, "scorers": StepKind.VERIFY, "scorer": StepKind.VERIFY}
ABOUT_SCORES = ("score", "score_edit")


def sample_recording(
    format_name: str, header: dict[str, Any], sample: dict[str, Any], filename: str, trouble: Trouble
) -> Recording:
    """One sample as a recording; `header` is the log without its samples."""
    attachments = {**mapping(dig(sample, "transcript", "content")), **mapping(sample.get("attachments"))}
    whole_sample = _restored(sample, attachments, 0)
    reader = _Sample(format_name, header, whole_sample, filename)
    return reader.recording(trouble)


class _Sample:
    def __init__(self, format_name: str, header: dict[str, Any], sample: dict[str, Any], filename: str) -> None:
        self.format_name, self.header, self.sample, self.filename = format_name, header, sample, filename
        self.task = string(dig(header, "eval", "task")) or "task"
        self.script = Transcript(format_name, filename, self.task)
        self.spans: dict[str, StepDraft] = {}
        self.pools = {name: _list(dig(sample, "events_data", name)) for name in ("messages", "calls")}
        self.marks: list[Any] = []
        self.stack: list[StepDraft] = []

    def recording(self, trouble: Trouble) -> Recording:
        events = objects(self.sample.get("events")) or objects(dig(self.sample, "transcript", "events"))
        for event in events:
            self._take(event, None)
        if not any(step.kind is StepKind.MODEL_CALL for step in self.script.steps):
            self._messages()
        kept = [self.script.pool.texts[digest_] for digest_ in self.script.pool.texts]
        held = Held((), {}, ())
        held.texts = set(kept)
        rest = {
            key: left
            for key, value in self.sample.items()
            if key not in (*JUDGEMENT, "events", "transcript", "events_data", "attachments")
            and (left := held.leftover(value, key)) is not None
        }
        root = self.script.root
        assert root is not None
        root.attributes |= rest
        error = mapping(self.sample.get("error"))
        if error:
            root.status = Status.ERROR
            root.error = ErrorInfo(
                type=string(error.get("message")).partition("(")[0] or "error",
                message=string(error.get("message")),
                traceback=string(error.get("traceback")),
            )
        return self.script.recording(self._run(bool(error)), trouble.notes)

    def _run(self, failed: bool) -> RunInfo:
        judged: dict[str, Any] = {key: self.sample[key] for key in JUDGEMENT if self.sample.get(key) not in (None, "")}
        results = {key: self.header.get(key) for key in ("results", "reductions") if self.header.get(key)}
        about = {key: value for key, value in self.header.items() if key not in ("results", "reductions") and value}
        outcome, score = _verdict(mapping(self.sample.get("scores")))
        number, epoch = self.sample.get("id"), self.sample.get("epoch", 1)
        run = string(dig(self.header, "eval", "run_id"))
        said: Any = self.sample.get("input")
        question = said if isinstance(said, str) else next((string(m.get("content")) for m in objects(said)[::-1]), "")
        times = [step.started_ns for step in self.script.steps if step.started_ns is not None]
        ends = [step.ended_ns for step in self.script.steps if step.ended_ns is not None]
        if outcome is Outcome.UNKNOWN and failed:
            outcome, by = Outcome.FAILED, "exception"
        else:
            by = EVALUATION if outcome is not Outcome.UNKNOWN or score is not None else ""
        return RunInfo(
            id=string(self.sample.get("uuid")) or f"{run or digest(self.filename)}/{number}/{epoch}",
            name=f"{self.task} sample {number}" + (f", epoch {epoch}" if epoch != 1 else ""),
            task=f"{self.task} {number}" if number is not None else task_name(question),
            started_ns=min(times, default=None),
            ended_ns=max(ends, default=None),
            outcome=outcome,
            outcome_by=by,
            score=score,
            format=self.format_name,
            attributes={"log": about, EVALUATION: {**judged, **results, "events": self.marks}},
        )

    def _take(self, event: dict[str, Any], parent: StepDraft | None) -> None:
        kind = string(event.get("event"))
        started, ended = nanoseconds(event.get("timestamp")), nanoseconds(event.get("completed"))
        above = parent or self.spans.get(string(event.get("span_id"))) or (self.stack[-1] if self.stack else None)
        place = {"parent": above or self.script.root, "started_ns": started, "ended_ns": ended or started}
        match kind:
            case "span_begin" | "step" | "subtask" if kind != "step" or event.get("action") == "begin":
                self._open(event, place)
            case "span_end" | "step":
                self._close(event, started)
            case "model":
                self._model(event, place)
            case "tool":
                self._tool(event, place)
            case _ if kind in ABOUT_SCORES:
                # What judges the run is kept away from its steps: that it was judged is all they say.
                self.marks.append(event)
                self.script.add(StepKind.VERIFY, kind, **place)
            case "sample_init":
                about = {key: value for key, value in event.items() if key != "sample"}
                sample = mapping(event.get("sample"))
                self.marks.append({"sample_init": {key: sample[key] for key in JUDGEMENT if sample.get(key)}})
                about["sample"] = {key: value for key, value in sample.items() if key not in JUDGEMENT}
                self.script.add(StepKind.LIFECYCLE, kind, about, **place)
            case "error" | "sample_limit":
                step = self.script.add(StepKind.ERROR, string(event.get("type")) or kind, event, **place)
                found = mapping(event.get("error"))
                step.fail(kind, string(found.get("message")) or string(event.get("message")))
                if step.error is not None and found.get("traceback"):
                    step.error = step.error.model_copy(update={"traceback": string(found["traceback"])})
            case _:
                self.script.add(_other(kind), string(event.get("name")) or kind or "event", event, **place)

    def _open(self, event: dict[str, Any], place: dict[str, Any]) -> None:
        kind = SPAN_KINDS.get(string(event.get("type")), StepKind.LIFECYCLE)
        parent = self.spans.get(string(event.get("parent_id")))
        if parent is not None:
            place["parent"] = parent
        place["ended_ns"] = None
        name = string(event.get("name")) or string(event.get("event"))
        step = self.script.add(kind, name, event, status=Status.UNFINISHED, **place)
        key = string(event.get("id"))
        if key:
            self.spans[key] = step
            step.span_ids = (key,)
        else:
            self.stack.append(step)

    def _close(self, event: dict[str, Any], time: int | None) -> None:
        step = self.spans.get(string(event.get("id"))) or (self.stack.pop() if self.stack else None)
        if step is not None:
            step.status, step.ended_ns = Status.OK, time
            self.script.keep(step, {"end": event})

    def _model(self, event: dict[str, Any], place: dict[str, Any]) -> None:
        refs = event.get("input_refs")
        sent = _expanded(refs, self.pools["messages"]) if refs else event.get("input") or []
        output = mapping(event.get("output"))
        choices = objects(output.get("choices"))
        parts = list(message_parts([choice.get("message") for choice in choices], self.script.pool, "assistant"))
        step = self.script.add(
            StepKind.MODEL_CALL,
            string(event.get("model")) or "model",
            input=list(message_parts(sent, self.script.pool)),
            output=parts,
            finish_reason=finish_reason(choices[0].get("stop_reason")) if choices else None,
            usage=_usage(mapping(output.get("usage"))),
            **place,
        )
        sent_texts = Held((*step.input, *step.output), self.script.pool.texts, (step.name,))
        about = {**event, "call": self._call(mapping(event.get("call")))}
        rest = sent_texts.leftover(about)
        step.attributes |= mapping(rest)
        if event.get("error"):
            step.fail(string(event["error"]).partition("(")[0] or "error", as_text(event["error"]))

    def _call(self, call: dict[str, Any]) -> dict[str, Any]:
        """The request as the provider got it, its messages put back from the pool."""
        refs = call.get("call_refs")
        if not refs:
            return call
        key = string(call.get("call_key")) or "messages"
        return {**call, "request": {**mapping(call.get("request")), key: _expanded(refs, self.pools["calls"])}}

    def _tool(self, event: dict[str, Any], place: dict[str, Any]) -> None:
        name, call_id = name_of(event.get("function")) or "tool", name_of(event.get("id"))
        arguments = self.script.pool.put(as_text(event.get("arguments") or {}))
        result = event.get("result")
        text = self.script.pool.put(result_text("" if result is None else result))
        step = self.script.add(
            StepKind.TOOL_CALL,
            name,
            event if not event.get("events") else {**event, "events": None},
            input=[Part(role="arguments", text=arguments, name=name, call_id=call_id)],
            output=[Part(role="result", text=text, kind="tool_result", name=name, call_id=call_id)],
            **place,
        )
        error = mapping(event.get("error"))
        if error:
            step.fail(string(error.get("type")) or "tool_error", string(error.get("message")))
        elif event.get("failed"):
            step.fail("tool_error", self.script.pool.texts[text])
        for inner in objects(event.get("events")):
            self._take(inner, step)

    def _messages(self) -> None:
        """A sample without events: its conversation."""
        for message in objects(self.sample.get("messages")):
            parts = list(message_parts(message, self.script.pool))
            match message.get("role"):
                case "assistant":
                    self.script.reply(string(message.get("model")) or "model", parts, message)
                case "tool":
                    step = self.script.result(parts, message)
                    error = mapping(message.get("error"))
                    if error:
                        step.fail(string(error.get("type")) or "tool_error", string(error.get("message")))
                case _:
                    self.script.hear(parts, message)


def _other(kind: str) -> StepKind:
    return {"approval": StepKind.GUARD, "compaction": StepKind.CONTEXT_BUILD}.get(kind, StepKind.LIFECYCLE)


def _restored(value: Any, attachments: dict[str, Any], depth: int) -> Any:
    """`value` with references to attachments replaced by their texts."""
    if isinstance(value, str):
        if value.startswith(ATTACHMENT):
            held = attachments.get(value.removeprefix(ATTACHMENT))
            return held if isinstance(held, str) else value
        return value
    if depth > DEEPEST or not attachments:
        return value
    if isinstance(value, list):
        return [_restored(item, attachments, depth + 1) for item in value]
    if isinstance(value, dict):
        return {
            key: item if key == "attachments" else _restored(item, attachments, depth + 1)
            for key, item in value.items()
        }
    return value


def _expanded(refs: Any, pool: list[Any]) -> list[Any]:
    """Pool entries by ranges `[start, end)`; older logs have single numbers among them."""
    found: list[Any] = []
    for ref in refs if isinstance(refs, list) else ():
        if isinstance(ref, int):
            found += pool[ref : ref + 1] if ref >= 0 else []
        elif isinstance(ref, list) and len(ref) == 2 and all(isinstance(end, int) and end >= 0 for end in ref):
            found += pool[ref[0] : ref[1]]
    return found


def _verdict(scores: dict[str, Any]) -> tuple[Outcome, float | None]:
    """Passed when every scorer says correct, failed when one says incorrect; a single number is the score."""
    values = [dig(score, "value") for score in scores.values()]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    score = float(numbers[0]) if len(values) == len(numbers) == 1 else None
    if values and all(_among(value, PASSED) for value in values):
        return Outcome.PASSED, score
    if values and all(_among(value, (*PASSED, *FAILED)) for value in values):
        return Outcome.FAILED, score
    return Outcome.UNKNOWN, score


def _among(value: Any, words: tuple[Any, ...]) -> bool:
    return isinstance(value, str | int | float) and value in words


def _usage(raw: dict[str, Any]) -> Usage | None:
    usage = Usage(
        input_tokens=whole(raw.get("input_tokens")),
        output_tokens=whole(raw.get("output_tokens")),
        cached_tokens=whole(raw.get("input_tokens_cache_read")),
        reasoning_tokens=whole(raw.get("reasoning_tokens")),
    )
    return usage if usage.input_tokens is not None or usage.output_tokens is not None else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []

"""From a list of messages to steps: for formats that keep what was said and not which spans there were.

Each reply of the model becomes a model call whose input is what had been said until then, each tool call in it a step
of its own that the matching result finishes.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harnessfix_ir.document import JsonValue
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import ErrorInfo, Part, Source, StepEvent, TraceStep, Usage
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import Status, StepKind

from .leftover import Held

LONGEST_TASK = 200
NO_RESULT = "no result of it is in the file"
NO_CALL = "the call that it answers is not in the file"


@dataclass(eq=False)
class StepDraft:
    """A step that may still change; fields as in `TraceStep`."""

    kind: StepKind
    name: str
    parent: "StepDraft | None" = None
    agent: str | None = None
    started_ns: int | None = None
    ended_ns: int | None = None
    input: list[Part] = field(default_factory=list)
    output: list[Part] = field(default_factory=list)
    status: Status = Status.OK
    error: ErrorInfo | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    events: list[StepEvent] = field(default_factory=list)
    attributes: dict[str, JsonValue] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    span_ids: tuple[str, ...] = ()

    def fail(self, kind: str, message: str = "") -> None:
        """The step ended in an error."""
        self.status, self.error = Status.ERROR, ErrorInfo(type=kind or "error", message=message)


class Transcript:
    """Builds one recording.

    Args:
        format_name, filename: for `Source`.
        agent: name of the agent episode, its first step; None for none.
    """

    def __init__(self, format_name: str, filename: str, agent: str | None = "agent") -> None:
        self.format_name, self.filename = format_name, filename
        self.pool = TextPool()
        self.steps: list[StepDraft] = []
        self.context: list[Part] = []
        self.now: int | None = None
        self.root: StepDraft | None = None
        self._waiting: dict[str, deque[StepDraft]] = {}
        self._unclaimed: list[JsonValue] = []
        self._unanswered: list[Part] = []
        if agent is not None:
            self.root = self.add(StepKind.TASK, agent)

    @property
    def awaiting(self) -> bool:
        """Whether a tool call is open, its result still to come."""
        return any(self._waiting.values())

    def inside(self, agent: str, parent: StepDraft | None) -> "Transcript":
        """The transcript of another agent's episode within this run: a context of its own, the same list of steps."""
        inner = Transcript(self.format_name, self.filename, None)
        inner.pool, inner.steps, inner.now = self.pool, self.steps, self.now
        inner.root = inner.add(StepKind.TASK, agent, parent=parent or self.root, agent=agent)
        return inner

    def close(self) -> None:
        """No more messages come: those that no reply followed become a step, calls without a result stay unfinished."""
        if self._unanswered:
            said = self.add(StepKind.CONTEXT_BUILD, "not answered", output=[*self._unanswered])
            self._claim(said)
            self._unanswered.clear()
        if self._unclaimed:
            self.root = self.root or self.add(StepKind.TASK, "agent")
            self._claim(self.root)
        for waiting in self._waiting.values():
            for step in waiting:
                step.missing.append(NO_RESULT)
        self._waiting.clear()

    def add(self, kind: StepKind, name: str, raw: Any = None, **fields: Any) -> StepDraft:
        """Add a step below the root, or below `parent`.

        Args:
            kind, name: as in `TraceStep`.
            raw: the record it comes from; what the step does not hold of it goes to its attributes.
            fields: of `StepDraft`.
        """
        fields.setdefault("parent", self.root)
        step = StepDraft(kind, name, **fields)
        self.steps.append(step)
        self.keep(step, raw)
        return step

    def keep(self, step: StepDraft, raw: Any, key: str = "record") -> None:
        """Put into a step's attributes what it does not hold of a record; under `key` where that is no object."""
        own = step.output if step.kind is StepKind.MODEL_CALL else (*step.input, *step.output)
        rest = self._rest(raw, own, (step.name, step.agent))
        for name, value in (rest if isinstance(rest, dict) else {key: rest} if rest is not None else {}).items():
            if name not in step.attributes:
                step.attributes[name] = value
            elif step.attributes[name] != value:
                held = step.attributes.setdefault("more", [])
                if isinstance(held, list):
                    held.append({name: value})

    def hear(self, parts: Iterable[Part], raw: Any = None) -> None:
        """A message that the model will see at its next call; what of it is no part goes to that call's attributes."""
        parts = list(parts)
        self.context.extend(parts)
        self._unanswered.extend(parts)
        rest = self._rest(raw, parts, ())
        if rest is not None:
            self._unclaimed.append(rest)

    def reply(self, name: str, parts: Iterable[Part], raw: Any = None, **fields: Any) -> StepDraft:
        """A reply of the model and the tool calls that it asks for.

        Args:
            name: of the model.
            parts: of the reply.
            raw: its record.
            fields: of `StepDraft`; `ended_ns` is the time from which the next step starts.
        """
        parts = list(parts)
        fields.setdefault("started_ns", self.now)
        call = self.add(StepKind.MODEL_CALL, name, input=list(self.context), output=parts, **fields)
        self.keep(call, raw)
        self._claim(call)
        self._unanswered.clear()
        self.context.extend(parts)
        self._pass(call.ended_ns)
        for part in parts:
            if part.kind == "tool_call":
                self.call(part, parent=call.parent, agent=call.agent, started_ns=self.now)
        return call

    def extend(self, step: StepDraft, parts: Iterable[Part], raw: Any, ended_ns: int | None = None) -> None:
        """More of a reply that was begun before: further parts, and the tool calls among them."""
        parts = list(parts)
        step.output += parts
        step.ended_ns = ended_ns or step.ended_ns
        self.keep(step, raw)
        self.context.extend(parts)
        for part in parts:
            if part.kind == "tool_call":
                self.call(part, parent=step.parent, agent=step.agent, started_ns=ended_ns)

    def call(self, part: Part, raw: Any = None, **fields: Any) -> StepDraft:
        """A tool call that was asked for; `result` finishes it."""
        arguments = Part(role="arguments", text=part.text, name=part.name, call_id=part.call_id)
        step = self.add(StepKind.TOOL_CALL, part.name or "tool", raw, input=[arguments], **fields)
        step.status = Status.UNFINISHED
        self._waiting.setdefault(part.call_id or "", deque()).append(step)
        return step

    def result(
        self, parts: Iterable[Part], raw: Any = None, *, heard: bool = True, asked: bool = True, **fields: Any
    ) -> StepDraft:
        """What a tool gave back: finishes the oldest open call of its id, or of any when it has no id.

        Args:
            parts: the result; the first part's `call_id` and `name` count.
            raw: its record.
            heard: whether the model sees it at its next call.
            asked: whether the format keeps the calls, so that one without is missing.
            fields: of `StepDraft`.
        """
        parts = list(parts)
        first = parts[0] if parts else Part(role="result", text=self.pool.put(""))
        step = self._answered(first.call_id)
        if step is None:
            started = fields.pop("started_ns", self.now)
            step = self.add(StepKind.TOOL_CALL, first.name or "tool", started_ns=started)
            step.missing += [NO_CALL] if asked else []
        step.status = Status.OK
        step.output = [
            part.model_copy(update={"role": "result", "kind": "tool_result"} if part.role == "tool" else {})
            for part in parts
        ]
        for name, value in fields.items():
            setattr(step, name, value)
        self.keep(step, raw)
        if heard:
            self.context.extend(part.model_copy(update={"role": "tool", "kind": "tool_result"}) for part in parts)
        self._pass(step.ended_ns)
        return step

    def recording(self, run: RunInfo, incomplete: Sequence[str] = ()) -> Recording:
        """All steps so far as a recording of `run`."""
        if self.root is not None and self.root.ended_ns is None:
            times = [step.ended_ns for step in self.steps if step.ended_ns is not None]
            self.root.ended_ns = max(times, default=None)
        self.close()
        numbers = {id(step): f"s{number}" for number, step in enumerate(self.steps, 1)}
        steps = tuple(self._step(step, numbers) for step in self.steps)
        return Recording(run=run, steps=steps, texts=self.pool.texts, incomplete=tuple(incomplete))

    def _step(self, draft: StepDraft, numbers: dict[int, str]) -> TraceStep:
        return TraceStep(
            id=numbers[id(draft)],
            parent=numbers.get(id(draft.parent)),
            kind=draft.kind,
            name=draft.name,
            agent=draft.agent,
            started_ns=draft.started_ns,
            ended_ns=draft.ended_ns,
            input=tuple(draft.input),
            output=tuple(draft.output),
            status=draft.status,
            error=draft.error,
            finish_reason=draft.finish_reason,
            usage=draft.usage,
            events=tuple(draft.events),
            source=Source(format=self.format_name, file=self.filename, span_ids=draft.span_ids),
            attributes=draft.attributes,
            missing=tuple(draft.missing),
        )

    def _answered(self, call_id: str | None) -> StepDraft | None:
        waiting = self._waiting.get(call_id or "")
        if not waiting and call_id is None:  # no id to go by: the oldest open call of all
            opened = [step for queue in self._waiting.values() for step in queue]
            oldest = next((step for step in self.steps if step in opened), None) if opened else None
            waiting = next((queue for queue in self._waiting.values() if oldest in queue), None)
        return waiting.popleft() if waiting else None

    def _claim(self, step: StepDraft) -> None:
        if self._unclaimed:
            step.attributes["messages"] = [*self._unclaimed]
            self._unclaimed.clear()

    def _pass(self, time_ns: int | None) -> None:
        if time_ns is not None:
            self.now = time_ns

    def _rest(self, raw: Any, parts: Iterable[Part], words: Iterable[str | None]) -> JsonValue:
        return None if raw is None else Held(parts, self.pool.texts, words).leftover(raw)


def task_name(*texts: str) -> str:
    """The first text that is short enough to be the name of a task, in one line."""
    return next((" ".join(text.split()) for text in texts if 0 < len(text) <= LONGEST_TASK), "")

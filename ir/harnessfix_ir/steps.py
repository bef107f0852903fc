"""Steps and links: what happened in a run and how its parts hang together."""

from pydantic import Field

from .anchors import Anchor
from .document import Document, JsonValue, unchecked
from .vocabulary import Evidence, LinkFamily, LinkKind, Status, StepKind

CALL_ID_ATTRIBUTES = ("gen_ai.tool.call.id", "tool_call.id", "tool_call_id", "call_id")


class Part(Document):
    """One piece of a step's input or output; its text lies in the run's content-addressed texts.

    Args:
        role: for a message `system`, `user`, `assistant` or `tool`; else `arguments`, `result`, `value`.
        text: digest of the text (key of `Recording.texts`).
        kind: `text`, `tool_call`, `tool_result` or `reasoning`.
        name: tool name for calls and results, argument name for values.
        call_id: the provider's tool call id where there is one.
    """

    role: str
    text: str
    kind: str = "text"
    name: str | None = None
    call_id: str | None = None


class ErrorInfo(Document):
    """An exception as the run saw it.

    Args:
        type: class name, dotted when its module is known.
        message: its text, whole.
        traceback: formatted frames, may be empty.
        cause: the exception it was raised from, or that was being handled (`__cause__`, else `__context__`).
    """

    type: str
    message: str = ""
    traceback: str = ""
    cause: "ErrorInfo | None" = None


class Usage(Document):
    """Token counts of one model call, as the provider reported them."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class Effect(Document):
    """What a step did to the world: `read`, `artifact` (wrote a file) or `state`, and to which resource."""

    effect: str
    resource: str
    detail: str = ""


class StepEvent(Document):
    """Something that happened inside a step.

    Names in use: `exception`, `handled`, `loop_ended`, `children_alive`, `children_killed`, `cut`, `retry`, `limit`,
    `log`; attributes are named in `docs/events.md`.
    """

    name: str
    time_ns: int | None = None
    anchor: Anchor | None = None
    attributes: dict[str, JsonValue] = Field(default_factory=dict)


class Source(Document):
    """Where a step was read from: format, file or stream, and the ids of the spans it was made of."""

    format: str
    file: str = ""
    span_ids: tuple[str, ...] = ()


class TraceStep(Document):
    """One unit of a run.

    Args:
        id: `s1`, `s2`, … in order of start.
        parent: id of the step it happened inside, or None.
        kind, name, agent: what it is, what it is called, which agent did it.
        started_ns, ended_ns: Unix time in nanoseconds, None when unknown.
        input, output: parts whose texts are never cut.
        status, error, finish_reason, usage: how it ended.
        effects: files and state it touched.
        anchors: where in the harness it comes from, best first.
        events: what happened inside it.
        attributes: everything else that was known, unchanged.
        missing: evidence known to be lost, in words ("12 attributes dropped").
    """

    id: str
    parent: str | None = None
    kind: StepKind
    name: str
    agent: str | None = None
    started_ns: int | None = None
    ended_ns: int | None = None
    input: tuple[Part, ...] = ()
    output: tuple[Part, ...] = ()
    status: Status = Status.OK
    error: ErrorInfo | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    effects: tuple[Effect, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    events: tuple[StepEvent, ...] = ()
    source: Source
    attributes: dict[str, JsonValue] = Field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @property
    def seconds(self) -> float | None:
        """Duration in seconds, None when an end is unknown."""
        if self.started_ns is None or self.ended_ns is None:
            return None
        return (self.ended_ns - self.started_ns) / 1e9

    @property
    def call_id(self) -> str | None:
        """Of a tool call: the model's call that it answers, as its parts or its attributes say."""
        for parts in (self.input, self.output):
            for part in parts:
                if part.call_id:
                    return part.call_id
        for name in CALL_ID_ATTRIBUTES if self.attributes else ():
            value = self.attributes.get(name)
            if isinstance(value, str) and value:
                return value
        return None


class Span(Document):
    """A range of characters in one text: part `part` of the step's input (`in`) or output (`out`), [start, end)."""

    side: str
    part: int
    start: int
    end: int


class TraceLink(Document):
    """A typed edge between two steps.

    Args:
        source, target: step ids; the source is earlier.
        kind: the relation; `family` follows from it.
        source_span, target_span: character ranges for data links, from the first to the last character concerned.
        pieces: when several stretches were kept (the head and the tail, say), each with its place at both ends.
        evidence: rung of the ladder.
        detail: in a few words ("2 001 of 31 000 characters kept").
    """

    source: str
    target: str
    kind: LinkKind
    source_span: Span | None = None
    target_span: Span | None = None
    pieces: tuple[tuple[Span, Span], ...] = ()
    evidence: Evidence = Evidence.DERIVED
    detail: str = ""

    @property
    def family(self) -> LinkFamily:
        """The family of the relation."""
        return self.kind.family


new_span, new_link = unchecked(Span), unchecked(TraceLink)

"""From the lines of a recording to drafts of steps: kind by role, parts by shape, events from what happened."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.steps import Effect, ErrorInfo, Part, StepEvent, Usage
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import AnchorKind, Route, Status, StepKind

from .failures import error_info, raise_anchor, short
from .lines import Line, SpanLines, SpoolDocument, expand
from .parts import finish_of, model_input, model_output, named_parts, result_parts, usage_of

KINDS = {
    "agent_loop": StepKind.TASK,
    "model_call": StepKind.MODEL_CALL,
    "tool": StepKind.TOOL_CALL,
    "verifier": StepKind.VERIFY,
    "approval": StepKind.GUARD,
    "submission": StepKind.SUBMIT,
    "parser": StepKind.PARSE,
    "context_builder": StepKind.CONTEXT_BUILD,
}
EFFECTS = {
    "read": "read",
    "write": "artifact",
    "delete": "state",
    "chdir": "state",
    "connect": "state",
    "spawn": "state",
}


@dataclass
class Draft:
    """A step before it has its id; `key` is the span id, or one made up for exceptions."""

    key: str
    up: str | None
    order: int
    kind: StepKind
    name: str
    started_ns: int | None
    ended_ns: int | None = None
    input: list[Part] = field(default_factory=list)
    output: list[Part] = field(default_factory=list)
    status: Status = Status.OK
    error: ErrorInfo | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    effects: list[Effect] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)
    events: list[StepEvent] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


class Drafter:
    """Makes drafts of all steps of a document.

    Args:
        document: the lines.
        pool: where texts go.
    """

    def __init__(self, document: SpoolDocument, pool: TextPool) -> None:
        self.document, self.pool = document, pool
        plan = document.header.get("plan") or {}
        self.elements: list[dict[str, Any]] = plan.get("elements") or []
        self._raised: dict[str, str] = {}
        self._caught: set[tuple[str, Any]] = set()

    def drafts(self) -> Iterator[Draft]:
        """Spans, then exceptions and handlers, in no particular order."""
        for span in self.document.spans.values():
            yield self._span(span)
        events = [(span.end["order"], span.id, span.end) for span in self.document.spans.values() if span.end]
        lines = [(order, key, line) for order, key, line in events if line.get("exc")]
        lines += [(order, str(line.get("up")), line) for order, line in self.document.handled]
        lines += [(order, "None", line) for order, line in self.document.uncaught]
        for order, up, line in sorted(lines, key=lambda item: item[0]):
            yield from self._failure(order, up, line)

    # -- spans ---------------------------------------------------------------------------------------------------

    def _span(self, span: SpanLines) -> Draft:
        element = self.element(span.start.get("e"))
        role = str(element.get("role", "function"))
        draft = Draft(
            key=span.id,
            up=_name(span.start.get("up")),
            order=span.order,
            kind=self._kind(span, role),
            name=str(element.get("name") or element.get("fn") or "?"),
            started_ns=_int(span.start.get("time")),
            attributes={"role": role, "roles": element.get("roles") or [], "element": element.get("id", "")},
        )
        if element.get("path"):
            draft.anchors.append(_element_anchor(element, AnchorKind.FUNCTION, "the function that ran"))
        stack = span.start.get("stack")
        if isinstance(stack, list) and len(stack) > 1:
            draft.attributes["called_from"] = stack[1:]
        arguments = expand(span.start.get("args") or {}, self.document.texts)
        if draft.kind is StepKind.MODEL_CALL or draft.attributes["role"] == "model_call":
            draft.input, rest = model_input(arguments, self.pool)
            draft.attributes |= {"arguments": rest} if rest else {}
        else:
            draft.input = list(named_parts("arguments", arguments, self.pool))
        if isinstance(arguments.get("self"), str):
            draft.attributes["self"] = arguments["self"]
        thread = span.start.get("thread")
        if thread not in (None, "MainThread"):
            draft.attributes["thread"] = thread
        self._end(span, draft)
        for line in span.inside:
            self._inside(line, draft)
        return draft

    def _kind(self, span: SpanLines, role: str) -> StepKind:
        """A model asked inside a model call is an attempt of it; a loop inside its own agent's loop is no new task."""
        kind = KINDS.get(role, StepKind.LIFECYCLE)
        if kind not in (StepKind.MODEL_CALL, StepKind.TASK):
            return kind
        own = self._owner(span)
        for above in self._above(span):
            other = str(self.element(above.start.get("e")).get("role"))
            if kind is StepKind.MODEL_CALL and other == "model_call":
                return StepKind.LIFECYCLE
            if kind is StepKind.TASK and other == "agent_loop" and self._owner(above) == own:
                return StepKind.LIFECYCLE
        return kind

    def _owner(self, span: SpanLines) -> tuple[str, str]:
        element = self.element(span.start.get("e"))
        arguments = span.start.get("args") or {}
        return str(element.get("path")), str(arguments.get("self") or element.get("fn"))

    def _above(self, span: SpanLines) -> Iterator[SpanLines]:
        seen = {span.id}
        up = _name(span.start.get("up"))
        while up is not None and up in self.document.spans and up not in seen:
            seen.add(up)
            above = self.document.spans[up]
            yield above
            up = _name(above.start.get("up"))

    def element(self, number: Any) -> dict[str, Any]:
        """What the plan says of an instrumented place."""
        known = isinstance(number, int) and 0 <= number < len(self.elements)
        return self.elements[number] if known else {}

    def _end(self, span: SpanLines, draft: Draft) -> None:
        end = span.end
        if end is None:
            draft.status = Status.UNFINISHED
            draft.missing.append("its end was not seen: the program was ended in it, or is still running")
            return
        draft.ended_ns = _int(end.get("time"))
        if isinstance(end.get("exc"), dict):
            draft.status, draft.error = Status.ERROR, error_info(end["exc"], self.document.texts)
        value = expand(end.get("value"), self.document.texts)
        if draft.attributes["role"] == "model_call":
            draft.output = model_output(value, self.pool)
            draft.finish_reason, draft.usage = finish_of(value), usage_of(value)
        else:
            draft.output = result_parts(value, self.pool)
        if "spawned" in end:
            self._children(end, draft)

    def _children(self, end: Line, draft: Draft) -> None:
        kids = end.get("kids")
        if kids is None:
            draft.missing.append("processes left behind cannot be seen on this system")
        elif isinstance(kids, list) and kids:
            told: dict[str, Any] = {
                "pids": [kid.get("pid") for kid in kids],
                "commands": [str(kid.get("cmd")) for kid in kids],
                "spawned": end.get("spawned"),
            }
            draft.events.append(StepEvent(name="children_alive", time_ns=draft.ended_ns, attributes=told))

    def _inside(self, line: Line, draft: Draft) -> None:
        element = self.element(line.get("e"))
        anchor = (
            _element_anchor(element, AnchorKind.LOOP if line["t"] != "cut" else AnchorKind.CALL, "")
            if element.get("path")
            else None
        )
        time_ns = _int(line.get("time"))
        match line["t"]:
            case "io":
                what = str(expand(line.get("what"), self.document.texts))
                operation = str(line.get("op"))
                draft.effects.append(Effect(effect=EFFECTS.get(operation, "state"), resource=what, detail=operation))
            case "tick":
                told = {"n": line.get("n"), "loop": element.get("id", "")}
                draft.events.append(StepEvent(name="iteration", time_ns=time_ns, anchor=anchor, attributes=told))
            case "loop":
                told = {"n": line.get("n"), "why": line.get("why"), "loop": element.get("id", "")}
                draft.events.append(StepEvent(name="loop_ended", time_ns=time_ns, anchor=anchor, attributes=told))
            case "cut":
                told = {"before": line.get("before"), "after": line.get("after"), "element": element.get("id", "")}
                draft.events.append(StepEvent(name="cut", time_ns=time_ns, anchor=anchor, attributes=told))

    # -- exceptions ----------------------------------------------------------------------------------------------

    def _failure(self, order: int, up: str, line: Line) -> Iterator[Draft]:
        exc = line.get("exc")
        if not isinstance(exc, dict):
            return
        time_ns, identity, name = _int(line.get("time")), str(exc.get("id")), short(str(exc.get("type")))
        info = error_info(exc, self.document.texts)
        told = {"exc_id": identity, "raised_in": exc.get("raised"), "chained": bool(exc.get("from"))}
        caught = (identity, line.get("e")) if line["t"] == "handled" else None
        if caught in self._caught:  # one clause catches one object once: this is a new one at the same address
            self._raised.pop(identity, None)
        if caught is not None:
            self._caught.add(caught)
        if self._raised.get(identity) != info.message:
            self._raised[identity] = info.message
            anchor = raise_anchor(exc)
            yield Draft(
                key=f"raise-{order}",
                up=up if up in self.document.spans else None,
                order=order,
                kind=StepKind.ERROR,
                name=f"raise {name}",
                started_ns=time_ns,
                ended_ns=time_ns,
                status=Status.ERROR,
                error=info,
                anchors=[anchor] if anchor is not None else [],
                attributes=dict(told),
            )
        if line["t"] == "handled":
            element = self.element(line.get("e"))
            yield Draft(
                key=f"except-{order}",
                up=up if up in self.document.spans else None,
                order=order,
                kind=StepKind.ERROR,
                name=f"except {name}",
                started_ns=time_ns,
                ended_ns=time_ns,
                output=[Part(role="value", text=self.pool.put(info.message), name="message")],
                anchors=[_element_anchor(element, AnchorKind.HANDLER, "the clause that caught it")] if element else [],
                attributes={**told, "element": element.get("id", "")},
            )


def _element_anchor(element: dict[str, Any], kind: AnchorKind, reason: str) -> Anchor:
    return Anchor(
        path=str(element["path"]),
        qualname=str(element.get("fn") or "<module>"),
        start_line=int(element.get("line") or 1),
        end_line=int(element.get("end") or element.get("line") or 1),
        content_hash=str(element.get("hash") or ""),
        kind=kind,
        route=Route.PROBE,
        reason=reason,
    )


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _int(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None

"""From the lines of a recording to drafts of steps: kind by role, parts by shape."""

import re
from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.histories import MessagePool
from harnessfix_ir.vocabulary import AnchorKind, Status, StepKind

from .answered import lift_exchanges
from .attempts import lift_attempts
from .dispatch import leave_out_calls
from .draft import Draft, element_anchor, frames
from .expand import Expander
from .failures import Failures
from .inside import add_children, add_inside
from .isolation import add_isolation
from .lines import SpanLines, SpoolDocument, integer, is_passage, mapping, string
from .parts import finish_of, model_input, model_output, named_parts, result_parts, usage_of
from .streamed import value_of
from .telemetry import telemetry_draft

KINDS = {
    "agent_loop": StepKind.TASK,
    "model_call": StepKind.MODEL_CALL,
    "tool": StepKind.TOOL_CALL,
    "verifier": StepKind.VERIFY,
    "approval": StepKind.GUARD,
    "submission": StepKind.SUBMIT,
    "parser": StepKind.PARSE,
    "context_builder": StepKind.CONTEXT_BUILD,
    "memory": StepKind.MEMORY,
}
CALLS_BY_NAME = re.compile(r"(call|execute|run|invoke)_tool$")
UNFINISHED = "its end was not seen: the program was ended in it, or is still running"


class Drafter:
    """Makes drafts of all steps of a document.

    Args:
        document: the lines.
        pool: where texts go.
    """

    def __init__(self, document: SpoolDocument, pool: MessagePool) -> None:
        self.document, self.pool = document, pool
        self.expander = Expander(document.texts, document.lists, document.values)
        self.failures = Failures(document, pool, self.expander)

    def drafts(self) -> Iterator[Draft]:
        """Spans, then exceptions and handlers, in no particular order."""
        leave_out_calls(self.document, self.expander)
        self.expander.take_lacking()
        drafts = {span.id: self._span(span) for span in self.document.spans.values()}
        lift_attempts(drafts, self.pool)
        lift_exchanges(drafts, self.document, self.pool)
        yield from drafts.values()
        yield from self._loose()
        yield from self.failures.drafts()

    def _loose(self) -> Iterator[Draft]:
        """Choices in functions that are no steps, and in no step: each is one, for the step that it tells of."""
        for order, line in self.document.loose:
            element = self.document.element(line.get("e"))
            time_ns = integer(line.get("time"))
            anchor = element_anchor(element, AnchorKind.CALL, "the choice that was made")
            draft = Draft(
                key=f"fell-{order[1]}",
                up=None,
                order=order,
                kind=StepKind.LIFECYCLE,
                name=string(element.get("fn")) or "?",
                started_ns=time_ns,
                ended_ns=time_ns,
                anchors=[] if anchor is None else [anchor],
                attributes={"role": "fallback", "element": element.get("id", "")},
            )
            add_inside(line, draft, self.document, self.expander)
            yield draft

    def _span(self, span: SpanLines) -> Draft:
        if "otel" in span.start:
            draft = telemetry_draft(span, self.pool, self.expander)
            self._inside(span, draft, but="log")
            return draft
        element = self.document.element(span.start.get("e"))
        role = string(element.get("role")) or "function"
        kind = self._kind(span, role)
        me = string(mapping(span.start.get("args")).get("self"))
        draft = Draft(
            key=span.id,
            up=span.up,
            order=span.order,
            agent=me if kind is StepKind.TASK else None,
            kind=kind,
            name=_name(span, element),
            started_ns=integer(span.start.get("time")),
            attributes={"role": role, "roles": element.get("roles") or [], "element": element.get("id", "")},
        )
        if element.get("site") is True:
            anchor = element_anchor(element, AnchorKind.CALL, "the call that was made")
        else:
            anchor = element_anchor(element, AnchorKind.FUNCTION, "the function that ran")
        draft.anchors.extend([] if anchor is None else [anchor])
        callers = frames(span.start.get("stack"))
        if callers:
            draft.attributes["called_from"] = [list(frame) for frame in callers]
        self._arguments(span, role, draft)
        self._end(span, role, draft)
        self._inside(span, draft)
        return draft

    def _inside(self, span: SpanLines, draft: Draft, but: str = "") -> None:
        for line in span.inside:
            if line.get("t") != but:
                add_inside(line, draft, self.document, self.expander)
        draft.missing.extend(self.expander.take_lacking())

    def _arguments(self, span: SpanLines, role: str, draft: Draft) -> None:
        arguments = mapping(self.expander.expand(mapping(span.start.get("args"))))
        if role == "model_call":
            draft.input, rest = model_input(arguments, self.pool)
            draft.attributes |= {"arguments": rest} if rest else {}
        else:
            draft.input = list(named_parts("arguments", arguments, self.pool))
        if isinstance(arguments.get("self"), str):
            draft.attributes["self"] = arguments["self"]
        thread = string(span.start.get("thread"))
        if thread is not None:
            draft.attributes["thread"] = thread

    def _end(self, span: SpanLines, role: str, draft: Draft) -> None:
        end = span.end
        if end is None:
            draft.status = Status.UNFINISHED
            draft.missing.append(UNFINISHED)
            if span.pieces and role == "model_call":
                draft.output = model_output(value_of(span, self.expander), self.pool)
            return
        draft.ended_ns = integer(end.get("time"))
        self._stream(span, draft)
        draft.error = self.failures.error(end.get("exc"))
        if draft.error is not None:
            draft.status = Status.ERROR
        value = value_of(span, self.expander, role == "model_call")
        if role == "model_call":
            draft.output = model_output(value, self.pool)
            draft.finish_reason, draft.usage = finish_of(value), usage_of(value)
        else:
            draft.output = result_parts(value, self.pool)
        if end.get("closed") is True:
            draft.attributes["closed"] = True
        add_children(end, draft)
        add_isolation(span, draft, self.expander)

    def _stream(self, span: SpanLines, draft: Draft) -> None:
        """An answer that came in pieces ends with the last of them."""
        told = span.streamed
        if told is None:
            return
        draft.ended_ns = max(draft.ended_ns or 0, integer(told.get("time")) or 0) or None
        draft.attributes["stream"] = {"pieces": integer(told.get("n")), "why": string(told.get("why"))}
        lost = integer(told.get("lost"))
        if lost:
            draft.missing.append(f"{lost:,} pieces of what was streamed were not recorded")

    # -- kinds ---------------------------------------------------------------------------------------------------

    def _kind(self, span: SpanLines, role: str) -> StepKind:
        """A model asked inside a model call is an attempt of it; a loop inside its own agent's loop is no new task."""
        kind = KINDS.get(role, StepKind.LIFECYCLE)
        site = is_passage(self.document.element(span.start.get("e")))
        if kind not in (StepKind.MODEL_CALL, StepKind.TASK) and not site:
            return kind
        if kind is StepKind.MODEL_CALL and mapping(span.end).get("hands_on") is True:
            return StepKind.LIFECYCLE
        own = self._owner(span)
        for above in self._above(span):
            other = self.document.element(above.start.get("e")).get("role")
            if kind is StepKind.MODEL_CALL and other == "model_call":
                return StepKind.LIFECYCLE
            if kind is StepKind.TOOL_CALL and site:
                if other == "tool":
                    return StepKind.LIFECYCLE
                if other in ("agent_loop", "model_call"):
                    return kind
            if kind is StepKind.TASK and other == "agent_loop" and self._owner(above) == own:
                return StepKind.LIFECYCLE
        return kind

    def _owner(self, span: SpanLines) -> tuple[Any, ...]:
        """The agent that a loop belongs to: the object whose method it is, else the function."""
        element = self.document.element(span.start.get("e"))
        me = string(span.start.get("me"))
        return (element.get("path"), me or element.get("fn"))

    def _above(self, span: SpanLines) -> Iterator[SpanLines]:
        seen = {span.id}
        up = span.up
        while up is not None and up in self.document.spans and up not in seen:
            seen.add(up)
            above = self.document.spans[up]
            yield above
            up = above.up


def _name(span: SpanLines, element: dict[str, Any]) -> str:
    """What a step is called: the tool's name, the function's, or what a call names."""
    name = string(element.get("name")) or string(element.get("fn")) or "?"
    if not is_passage(element) or element.get("role") != "tool":
        return name
    arguments = mapping(span.start.get("args"))
    if CALLS_BY_NAME.search(name):
        told = next((arguments[key] for key in ("name", "tool_name", "0") if string(arguments.get(key))), None)
        if told is not None and str(told).replace("-", "_").isidentifier():
            return str(told)
    called = string(span.start.get("called"))
    if called is None or called == string(arguments.get("self")):  # the class is called so, not the tool
        told = next((asked for value in arguments.values() if (asked := _asked(value)) is not None), None)
        if told is not None:
            return told
    return (called or name).rpartition(".")[2]


def _asked(value: Any) -> str | None:
    """The name in an argument that is a model's call of a tool."""
    call = mapping(value)
    call = mapping(call.get("function")) or call
    name = string(call.get("name"))
    has_id = "input" in call and ("id" in call or "toolUseId" in call)
    return name if name is not None and (has_id or "arguments" in call or "args" in call) else None

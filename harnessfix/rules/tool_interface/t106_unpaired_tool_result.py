"""T106: a tool call goes unanswered, or an answer does not say which call it belongs to."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import calls_of, own_anchors, own_function
from harnessfix.rules._query import (
    ancestors,
    as_anchor,
    asking_anchors,
    grown_inputs,
    has_messages,
    hazards,
    names,
    nearest_anchors,
    one_of_each,
    quote,
    requests,
    that_ran,
    went_through,
)
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.prefix import common_prefix
from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity, StepKind

PROBE = "harnessfix-probe"  # records requests as they were made, call ids included

_AGENT = r'''import json


def add(first, second):
    """Add two numbers."""
    return str(first + second)


TOOLS = {"add": add}


class Agent:
    def __init__(self, model):
        self.model = model
        self.messages = []

    def run(self, task):
        self.messages = [{"role": "user", "content": task}]
        for _ in range(5):
            reply = self.model.query(self.messages)
            self.messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            self.answer(reply["tool_calls"])

    def answer(self, calls):
        call = calls[0]
        result = TOOLS[call["function"]["name"]](**json.loads(call["function"]["arguments"]))
        self.messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
'''
_MAIN = r"""from agent import Agent
from model import Model, call, say

both = call("add", {"first": 1, "second": 2}, "call_a")
both["tool_calls"] += call("add", {"first": 3, "second": 4}, "call_b")["tool_calls"]
print(Agent(Model(both, say("The sums are 3 and, I guess, 7."))).run("What are 1 + 2 and 3 + 4?"))
"""
_ALL = """        for call in calls:
            result = TOOLS[call["function"]["name"]](**json.loads(call["function"]["arguments"]))
            self.messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
"""


@dataclass(frozen=True)
class _Gap:
    """Calls of one turn that the request does not answer, results that name no call, and those that name another."""

    calls: tuple[Part, ...]
    nameless: tuple[Part, ...]
    foreign: tuple[Part, ...]


class UnpairedToolResult(Rule):
    code = "T106"
    name = "unpaired-tool-result"
    keeps = Property.CONSERVATION
    severity = Severity.ERROR
    summary = "A request leaves a tool call without its result, or holds a result that names no call."
    why = (
        "Providers refuse such a request, or the model takes one call's result for another's. It happens where results "
        "are joined by position, where only the first of several calls is run, and where a failing call is left out."
    )
    fix = "Answer every call of a turn once, by its id and in its order; answer a call that failed with its error."
    references = (
        "https://platform.openai.com/docs/guides/function-calling",
        "https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/implement-tool-use",
    )
    operator = "pair-results"
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", (_AGENT[_AGENT.index("        call = calls[0]") :], _ALL))

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Results whose id is written in the code, where that of the call is at hand."""
        for element in hazards(model, "constant-call-id"):
            if element.fact("may-be-meant"):
                continue  # only a run can tell
            yield Finding(
                f"{element.anchor.qualname} gives the id {quote(str(element.value('id')), 40)} to whatever "
                "call it is handed: no result of it can be told from another.",
                [as_anchor(element, "names no call")],
                confidence=0.6,
                evidence=Evidence.DERIVED,
                severity=Severity.WARNING,
                missing=("a run in which a tool is called",),
            )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Requests in which a turn with tool calls is followed by something else before all of them are answered."""
        spoken: set[str] = set()
        told: set[str] = set()
        for request, gap in _gaps(run):
            ids = {part.call_id or part.text for part in (*gap.calls, *gap.nameless)}
            if spoken.issuperset(ids):  # the same turn is sent again with every later request
                continue
            spoken |= ids
            finding = _finding(run, model, request, gap)
            if request.kind is not StepKind.MODEL_CALL:  # what it was asked is whole: its client lost the result
                anchors = one_of_each([*finding.anchors[:1], *own_anchors(request), *finding.anchors[1:]])
                finding = replace(finding, anchors=anchors, message=f"As the client sent it: {finding.message}")
            told.update(anchor.symbol for anchor in finding.anchors[:1])
            yield finding
        for element in _constant_ids(run, model):
            if element.anchor.symbol not in told and not element.fact("may-be-meant"):
                yield _written(run, model, element)


def _gaps(run: Htir) -> Iterator[tuple[TraceStep, _Gap]]:
    """What is missing in the requests of a run as they were made, and in those that were whole as they were sent."""
    turns: dict[str, _Turn] = {}
    lacking: set[str] = set()
    for request, before, parts in grown_inputs(run):
        turn = turns.pop(before.id) if before is not None else _Turn()
        turns[request.id] = turn
        turn.read(parts)
        gap = turn.gap(request)
        if gap is not None:
            lacking.add(request.id)
            yield request, gap
    sent: tuple[Part, ...] = ()
    turn = _Turn()
    for request in _as_sent(run):
        if common_prefix(request.input, sent) < len(sent):
            sent, turn = (), _Turn()
        turn.read(request.input[len(sent) :])
        sent = request.input
        gap = turn.gap(request)
        # A client that sends results as words of the user has answered the calls in its own way.
        if gap is None or not (gap.nameless or gap.foreign):
            continue
        if not any(outer.id in lacking for outer in ancestors(run, request)):
            yield request, gap


def _as_sent(run: Htir) -> Iterator[TraceStep]:
    """Requests of a provider's client inside a model call, which may hold other messages than the model call was given.

    Of those in one model call only the last: the others are attempts at the same.
    """
    last: dict[str | None, TraceStep] = {}
    for step in run.of_kind(StepKind.LIFECYCLE):
        if step.attributes.get("role") == "model_call" and has_messages(step):
            last[step.parent] = step
    yield from last.values()


class _Turn:
    """The first turn of a conversation whose calls are not all answered by the messages that follow it."""

    def __init__(self) -> None:
        self._pending: dict[str, Part] = {}
        self._asked: set[str] = set()
        self._nameless: list[Part] = []
        self._foreign: list[Part] = []
        self._over = False

    def read(self, parts: Iterable[Part]) -> None:
        """Go on with these parts."""
        for part in () if self._over else parts:
            if part.kind == "tool_call":
                if part.call_id:
                    self._pending[part.call_id] = part
                    self._asked.add(part.call_id)
            elif part.kind == "tool_result" or part.role == "tool":
                if part.call_id:
                    self._pending.pop(part.call_id, None)
                    if part.call_id not in self._asked:
                        self._foreign.append(part)
                elif self._pending:
                    self._nameless.append(part)
            elif part.role in ("user", "assistant") and self._pending and part.kind == "text":
                self._over = True
                break

    def gap(self, request: TraceStep) -> _Gap | None:
        """What is missing in a request that ends here."""
        if not self._pending:
            return None
        # Other recorders than ours lose the ids of results; then order is all that can be counted.
        whole = request.source.format == PROBE and len(self._pending) > 1
        if self._nameless and len(self._nameless) >= len(self._pending) and not whole:
            return None
        return _Gap(tuple(self._pending.values()), tuple(self._nameless), tuple(self._foreign))


def _finding(run: Htir, model: HarnessModel, request: TraceStep, gap: _Gap) -> Finding:
    asked = ", ".join(f"{part.name or 'tool'} ({part.call_id})" for part in gap.calls[:4])
    asking = next((s for s in requests(run) if any(p.call_id == gap.calls[0].call_id for p in s.output)), None)
    if gap.nameless:
        words = (
            f"{len(gap.nameless)} results in request {request.id} name no call, while {quote(asked, 90)} wait for one"
        )
    else:
        words = f"Request {request.id} was sent without an answer to {quote(asked, 90)}"
    if asking is not None:
        words += f", asked for in {asking.id}"
    foreign = _nobodys(run, gap)
    # A history may leave out a result that names no call of it: then no other id is seen.
    written = (e for e in _constant_ids(run, model) if not gap.foreign or e.value("id") == foreign)
    literal = next(written, None)
    maker = _calls_or_maker(run, model, request, foreign, literal) if foreign else None
    if maker is not None:
        words += f"; {maker.name} ({maker.id}) gave a result that names {quote(foreign, 40)}"
    responsible = (maker or _keeper(run, model, asking, request) or asking or request).id
    return Finding(
        message=words + ".",
        anchors=one_of_each(
            [
                *([as_anchor(literal, "names no call")] if literal is not None else ()),
                *(own_anchors(maker)[:1] if maker is not None else ()),
                *_anchors(run, model, request, asking),
            ]
        ),
        responsible_step=responsible,
        symptom_step=request.id,
        path=tuple(dict.fromkeys((responsible, request.id))),
        confidence=0.85,
        evidence=Evidence.OBSERVED,
        quotes=tuple((f"{responsible} output", quote(run.text(part))) for part in gap.calls[:2]),
        parameters={"calls": [part.call_id for part in gap.calls]},
    )


def _written(run: Htir, model: HarnessModel, element: Element) -> Finding:
    """Of code that gave a call's result an id of its own, wherever that result was lost afterwards."""
    id_ = str(element.value("id"))
    maker = _calls_or_maker(run, model, None, id_, element)
    return Finding(
        f"{element.anchor.qualname} gave {quote(id_, 40)} as the id of a call"
        + (f" in {maker.name} ({maker.id})" if maker is not None else "")
        + "; no model made a call of that id.",
        [as_anchor(element, "names no call")],
        responsible_step=maker.id if maker is not None else None,
        symptom_step=maker.id if maker is not None else None,
        path=(maker.id,) if maker is not None else (),
        confidence=0.9,
        evidence=Evidence.DERIVED,
    )


def _nobodys(run: Htir, gap: _Gap) -> str:
    """The id that a result names and no model ever gave a call; empty without one."""
    given = {part.call_id for step in requests(run) for part in step.output if part.kind == "tool_call"}
    return next((part.call_id for part in gap.foreign if part.call_id and part.call_id not in given), "")


def _constant_ids(run: Htir, model: HarnessModel) -> list[Element]:
    """Where code that ran writes the id of a call."""
    return [element for element in hazards(model, "constant-call-id") if went_through(run, element)]


def _calls_or_maker(
    run: Htir, model: HarnessModel, request: TraceStep | None, foreign: str, literal: Element | None
) -> TraceStep | None:
    """The step whose function writes an id, where it is known, else the first that gave something with it."""
    own = calls_of(run, model, literal.anchor.symbol) if literal is not None else ()
    return next(iter(own), None) or _maker(run, request, foreign)


def _maker(run: Htir, request: TraceStep | None, foreign: str) -> TraceStep | None:
    """The innermost step, before a request if there is one, that first gave something with this id of a call."""
    inside = re.compile(rf"call_id\W{{1,4}}{re.escape(foreign)}\W")
    makers: list[TraceStep] = []
    for step in run.steps[: run.place(request.id) if request is not None else None]:
        if step.kind is StepKind.MODEL_CALL or not step.anchors:
            continue
        # A record is a part for each field, or text.
        fields = (part for part in step.output if (part.name or "").endswith("call_id"))
        if (
            any(part.call_id == foreign for part in step.output)
            or any(run.text(part) == foreign for part in fields)
            or inside.search(run.output_text(step))
        ):
            makers.append(step)
    around = {outer.id for step in makers for outer in ancestors(run, step)}
    return next((step for step in makers if step.id not in around), None)


def _anchors(run: Htir, model: HarnessModel, request: TraceStep, asking: TraceStep | None) -> tuple[Anchor, ...]:
    """Functions that answer calls: those around a tool that ran, then those that append messages of the role `tool`."""
    builders = that_ran(run, model.of_role(ElementRole.CONTEXT_BUILDER))
    tool_builders = [b for b in builders if "tool" in names(b.value("appends-role"))] or builders
    ran = [symbol for _, symbol in _around_tools(run, model, asking, request)]
    near = sorted((b for b in builders if b.anchor.symbol in ran), key=lambda b: ran.index(b.anchor.symbol))
    named = [as_anchor(builder, "appends the results") for builder in (*near, *tool_builders)]
    around = [*asking_anchors(run, request), *(nearest_anchors(run, asking) if asking is not None else ())]
    return one_of_each([*named, *around])


def _keeper(run: Htir, model: HarnessModel, asking: TraceStep | None, request: TraceStep) -> TraceStep | None:
    """The innermost step around a tool that ran whose function builds the history, and left the result out of it."""
    builders = {builder.anchor.symbol for builder in model.of_role(ElementRole.CONTEXT_BUILDER)}
    return next((s for s, symbol in _around_tools(run, model, asking, request) if symbol in builders), None)


def _around_tools(
    run: Htir, model: HarnessModel, asking: TraceStep | None, request: TraceStep
) -> list[tuple[TraceStep, str]]:
    """The steps, innermost first, in which a tool ran between the reply that asked for it and a request; each with its
    function."""
    if asking is None:
        return []
    between = run.steps[run.place(asking.id) + 1 : run.place(request.id)]
    tool = next((step for step in between if step.kind is StepKind.TOOL_CALL), None)
    around = ((s, own_function(model, s)) for s in (ancestors(run, tool) if tool is not None else ()))
    return [(step, function.anchor.symbol) for step, function in around if function is not None]

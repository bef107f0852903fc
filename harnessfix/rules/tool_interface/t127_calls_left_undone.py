"""T127: the last reply asked for tools, and the run ended in an orderly way without them."""

import re
from collections.abc import Iterable, Sequence
from itertools import dropwhile

from harnessfix.rules._calls import is_made
from harnessfix.rules._errors import handlings, is_raised, raised, type_of
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import asking_functions, callers_of, loop_around, nearest_own, own_function
from harnessfix.rules._query import ancestors, as_anchor, events, one_of_each, quote, reply_parts, requests
from harnessfix.rules._replies import finish_reason, was_cut_off
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.vocabulary import Outcome, Property, Severity, Status, StepKind

# Tools that end a turn by being asked for, and those that somebody else is to run.
_ENDS = re.compile(
    r"final|answer|submit|finish|done|complete|respond|result|output|transfer|hand_?off|delegate|ask_|approv", re.I
)

# How Python says that something is not there; what it says of a call's arguments may well be why the call was refused.
_ASKS = frozenset({"RuntimeError", "AttributeError", "ImportError", "ModuleNotFoundError", "NotImplementedError"})

_AGENT = """\
import json


class Agent:
    def __init__(self, model):
        self.model = model
        self.notes = []

    def note(self, text):
        self.notes.append(text)
        return "noted"

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(4):
            reply = self.model.query(messages)
            messages.append(reply)
            if reply["finish_reason"] == "stop":
                return reply["content"]
            for call in reply["tool_calls"]:
                done = self.note(**json.loads(call["function"]["arguments"]))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": done})
"""
_MAIN = """\
from agent import Agent
from model import Model, call, say

asking = {**call("note", {"text": "milk"}), "finish_reason": "stop"}
agent = Agent(Model(asking, {**say("It is written down."), "finish_reason": "stop"}))
print(agent.run("Note that we need milk."))
raise SystemExit(not agent.notes)
"""


class CallsLeftUndone(Rule):
    code = "T127"
    name = "calls-left-undone"
    keeps = Property.CONSERVATION
    severity = Severity.ERROR
    summary = "The last reply of a failed run asked for tools; none was run, and nothing says why."
    why = (
        "Whether a turn is the last one is told by what it asks for. Harnesses that go by the finish reason instead, "
        "or by there being some text, end a run while the model waits for a result: providers do say `stop` or "
        "`end_turn` beside tool calls, above all when they stream."
    )
    fix = "Run the tool calls of a turn whenever it has any, whatever its finish reason says."
    by_hand = "What else the end of the turn decides there is not known."
    references = (
        "https://github.com/strands-agents/harness-sdk/pull/1827",
        "https://docs.anthropic.com/en/docs/build-with-claude/handling-stop-reasons",
    )
    yields_to = ("T118", "L112")
    bad = harness(_AGENT, _MAIN, exit_code=1)
    good = edited(bad, "agent.py", ('reply["finish_reason"] == "stop"', 'not reply.get("tool_calls")'), exit_code=0)

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """The last reply, where nothing that came after it ran, answered or refused what it asked for."""
        asked = requests(run)
        if run.run.outcome is not Outcome.FAILED or not asked or asked[-1].status is not Status.OK:
            return
        request = asked[-1]
        calls = [part for part in reply_parts(run, request) if part.kind == "tool_call" and part.name]
        tried = _tried(run, model)
        after = [step for step in run.steps[run.place(request.id) + 1 :] if step.id not in tried]
        if not calls or any(_ENDS.search(part.name or "") for part in calls) or was_cut_off(run, request):
            return
        taken = _taken(run, request, after)
        if _was_stopped(after, taken) or _ran_out(run) or any(_is_known(run, after, call) for call in calls):
            return
        yield _finding(run, model, request, calls, taken)


def _tried(run: Htir, model: HarnessModel) -> set[str]:
    """Steps in which a function took what a call raised in it: it asked what there is (`get_running_loop()`)."""
    found = set()
    for source, clause in handlings(run):
        own = source.anchors and clause.anchors and source.anchors[0].symbol == clause.anchors[0].symbol
        if own and type_of(source) in _ASKS and not is_raised(model, source):
            found |= {source.id, clause.id}
    return found


def _taken(run: Htir, request: TraceStep, after: Sequence[TraceStep]) -> TraceStep | None:
    """The last clause that took an exception after the reply, where all were taken and none raised again.

    One that left what had asked ended the run, whoever took it outside.
    """
    later = {step.id for step in after}
    taken = [(source.id, clause) for source, clause in handlings(run) if clause.id in later]
    left = {step.id for step in raised(run)} & later - {source for source, _ in taken}
    if not taken or left:
        return None
    clause = taken[-1][1]
    around = (*ancestors(run, request), *ancestors(run, clause))
    return None if any(step.error is not None for step in around) else clause


def _was_stopped(after: Sequence[TraceStep], taken: TraceStep | None) -> bool:
    """Whether something failed after the reply, which may be why the tools were not run, and no clause took it."""
    rest = after if taken is None else dropwhile(lambda step: step.id != taken.id, after)
    return any(step.error is not None or step.status is not Status.OK for step in rest)


def _ran_out(run: Htir) -> bool:
    """Whether a loop ended because its rounds were used up."""
    left = (event for step in run.with_event("loop_ended") for event in events(step, "loop_ended"))
    return any(event.attributes.get("why") == "exhausted" for event in left)


def _is_known(run: Htir, after: Iterable[TraceStep], call: Part) -> bool:
    """Whether a step that followed is the call, or holds its result."""
    return any(
        (step.kind is StepKind.TOOL_CALL and is_made(run, step, call)) or _has_result(step, call) for step in after
    )


def _has_result(step: TraceStep, call: Part) -> bool:
    return call.call_id is not None and any(
        part.call_id == call.call_id and part.kind != "tool_call" for part in step.input
    )


def _finding(
    run: Htir, model: HarnessModel, request: TraceStep, calls: Sequence[Part], taken: TraceStep | None
) -> Finding:
    loop = loop_around(run, model, request)
    functions = [*asking_functions(run, model, request), *callers_of(model, request)]
    step = request if taken is None else next(ancestors(run, taken), taken)
    holder = None if taken is None else own_function(model, step)
    anchors: list[Anchor] = [as_anchor(holder, "went on from what refused the calls")] if holder is not None else []
    anchors += [as_anchor(loop, "ended with the calls undone")] if loop is not None else []
    anchors += [as_anchor(function, "had the reply in hand") for function in functions]
    named = ", ".join(dict.fromkeys(part.name or "?" for part in calls))
    reason = finish_reason(run, request)
    said = f", with the finish reason {quote(reason, 40)!r}," if reason else ""
    why = f"; {quote(type_of(taken), 40)} was taken at {taken.id}, and no model was told" if taken else ""
    return Finding(
        f"The last reply ({request.id}){said} asks for {named}; no step after it runs, answers or refuses that{why}.",
        one_of_each([*anchors, *nearest_own(run, request)]),
        responsible_step=step.id,
        symptom_step=request.id,
        path=[request.id] if taken is None else [request.id, step.id],
        confidence=0.7,
        quotes=[(f"{request.id} output", quote(f"{calls[0].name} {run.text(calls[0])}"))],
    )

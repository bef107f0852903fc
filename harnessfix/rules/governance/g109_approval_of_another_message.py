"""G109: the approver of a later call is shown a tool's result in the place of the model's message."""

from collections.abc import Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import frames_told
from harnessfix.rules._query import (
    ancestors,
    as_anchor,
    grown_inputs,
    nearest_anchors,
    one_of_each,
    quote,
    reply_parts,
    requests,
)
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, Evidence, Property, Route, Severity, StepKind

_LOOPS = (ElementRole.LOOP, ElementRole.AGENT_LOOP)

_AGENT = r'''import json


def approve(message, name, arguments):
    """Let a person decide, by what the model said and what it wants to do."""
    return "without asking" not in message


def send(address):
    """Send the report."""
    return f"sent to {address}"


TOOLS = {"send": send}


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(5):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            messages += self.execute(reply["content"], reply["tool_calls"])

    def execute(self, message, calls):
        results = []
        for call in calls:
            name, arguments = call["function"]["name"], json.loads(call["function"]["arguments"])
            if approve(message, name, arguments):
                message = TOOLS[name](**arguments)
            else:
                message = "refused"
            results.append({"role": "tool", "tool_call_id": call["id"], "content": message})
        return results
'''
_MAIN = r"""from agent import Agent
from model import Model, call, say

both = call("send", {"address": "ann@example.org"}, "call_a")
both["tool_calls"] += call("send", {"address": "everybody@example.org"}, "call_b")["tool_calls"]
both["content"] = "I send it to both."
print(Agent(Model(both, say("done"))).run("Send the report to Ann."))
"""


class ApprovalOfAnotherMessage(Rule):
    code = "G109"
    name = "approval-of-another-message"
    keeps = Property.AUTHORITY
    severity = Severity.ERROR
    summary = "From the second call of a turn on, the approver judges a tool's result and not the model's message."
    why = (
        "Whoever approves decides by what the model said it was about to do. A variable that is used twice, or a "
        "position that is off by one, puts the result of the last tool in its place: the decision is made on the "
        "wrong text, and that text may come from outside."
    )
    fix = "Keep the message of the turn in a name of its own and hand that to every approval of the turn."
    references = ("https://github.com/UKGovernmentBEIS/inspect_ai/pull/2776",)
    operator = "keep-turn-message"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        ("                message = TOOLS[name](**arguments)\n", "                result = TOOLS[name](**arguments)\n"),
        ('                message = "refused"\n', '                result = "refused"\n'),
        ('"content": message})\n        return results', '"content": result})\n        return results'),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Guards that were given a tool's result where an earlier guard of the same turn was given the reply."""
        guards = [*run.of_kind(StepKind.GUARD)]
        if not guards:
            return
        said, answered = _said(run), _answered(run)
        first: dict[tuple[str | None, str, str], TraceStep] = {}
        spoken: set[str] = set()
        for step in guards:
            for part in step.input:
                if part.name is None or part.role != "arguments":
                    continue  # a history that it is shown as well holds both
                place = step.parent, step.name, part.name
                before = first.get(place)
                if part.text in said:
                    first.setdefault(place, step)
                elif part.text in answered and before is not None and not _within(run, step, spoken):
                    spoken.add(step.id)
                    yield _finding(run, model, before, step, part)


def _within(run: Htir, step: TraceStep, spoken: set[str]) -> bool:
    """Whether the guard hands on what the one around it was given."""
    return any(outer.id in spoken for outer in ancestors(run, step))


def _said(run: Htir) -> set[str]:
    """Texts of replies; an empty one says nothing."""
    parts = [part for request in requests(run) for part in reply_parts(run, request) if part.kind == "text"]
    return {part.text for part in parts if run.text(part).strip()}


def _answered(run: Htir) -> set[str]:
    """Texts that tools gave off, as steps or as results in a request."""
    parts = [part for step in run.of_kind(StepKind.TOOL_CALL) for part in step.output]
    parts += [part for _, _, new in grown_inputs(run) for part in new if part.kind == "tool_result"]
    return {part.text for part in parts if run.text(part).strip()}


def _finding(run: Htir, model: HarnessModel, before: TraceStep, step: TraceStep, part: Part) -> Finding:
    return Finding(
        message=f"{step.name} ({step.id}) was given a tool's result, {quote(run.text(part), 60)!r}, as "
        f"`{part.name}`; in {before.id}, earlier in the same turn, `{part.name}` was the model's message.",
        anchors=one_of_each([*_callers(model, step), *nearest_anchors(run, step)]),
        responsible_step=step.id,
        symptom_step=step.id,
        path=tuple(dict.fromkeys((before.id, step.id))),
        confidence=0.85,
        evidence=Evidence.DERIVED,
        quotes=((f"{step.id} input", quote(run.text(part))),),
        parameters={"argument": part.name},
    )


def _callers(model: HarnessModel, step: TraceStep) -> list[Anchor]:
    """The function that goes through the calls of a turn in a loop, then the line that called the guard."""
    places = [(frame.path, frame.function.replace(".<locals>", ""), frame.line) for frame in frames_told(step)]
    found: list[Anchor] = []
    for path, qualname, line in places:
        function = _looping(model, path, qualname, line or 0)
        if function is not None:
            found.append(as_anchor(function, "goes through the calls of a turn", Route.STACK))
            break
    path, qualname, line = places[0] if places else ("", "", None)
    if line is not None:
        found.append(
            Anchor(
                path=path,
                qualname=qualname,
                start_line=line,
                end_line=line,
                kind=AnchorKind.CALL,
                route=Route.STACK,
                reason="calls the approver",
            )
        )
    return found


def _looping(model: HarnessModel, path: str, qualname: str, line: int) -> Element | None:
    """The function of a frame when a loop stands around the line, else the one it is nested in when that loops.

    A function that is made for each call and handed to a task group has lost its caller from the stack.
    """
    if any(element.role in _LOOPS for element in model.at(path, line)):
        return model.function(path, qualname)
    outer = model.function(path, qualname.rpartition(".")[0])
    return outer if outer is not None and model.in_function(path, outer.anchor.qualname, *_LOOPS) else None

"""T118: the provider's reply asked for tools, and what the harness made of it is only the text beside them."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from harnessfix.rules._calls import is_made
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import model_steps, own_anchors, own_function
from harnessfix.rules._query import as_anchor, one_of_each, quote, requests
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.vocabulary import Property, Route, Severity, Status, StepKind

_AGENT = """\
from types import SimpleNamespace


class Client:
    \"\"\"What a provider's library answers with: text, tool calls, or both.\"\"\"

    def __init__(self, *replies):
        self.replies = list(replies)

    def create(self, model, messages):
        return self.replies.pop(0)


def reply(text, *calls):
    asked = [
        {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for n, (name, arguments) in enumerate(calls)
    ]
    return {"role": "assistant", "content": text, "tool_calls": asked}


class Agent:
    def __init__(self, client):
        self.client = client
        self.notes = []

    def ask(self, messages):
        answer = self.client.create(model="scripted", messages=messages)
        if answer["content"]:
            return {"role": "assistant", "content": answer["content"]}
        return answer

    def note(self, text):
        self.notes.append(text)
        return "noted"

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(4):
            answer = self.ask(messages)
            messages.append(answer)
            if not answer.get("tool_calls"):
                return answer["content"]
            for call in answer["tool_calls"]:
                done = self.note(call["function"]["arguments"])
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": done})
"""
_MAIN = """\
from agent import Agent, Client, reply

asking = reply("I will write that down.", ("note", '{"text": "milk"}'))
print(Agent(Client(asking, reply("It is written down."))).run("Note that we need milk."))
"""


class CallsLostOnTheWay(Rule):
    code = "T118"
    name = "calls-lost-on-the-way"
    keeps = Property.CONSERVATION
    severity = Severity.ERROR
    summary = "A reply holds text and tool calls; the harness keeps the text and the calls are never made."
    why = (
        "Models often say a word beside the calls that they ask for. Where the text is looked at first, such a turn "
        "passes for a final answer: the announcement is all that the caller gets, and nothing of it was done."
    )
    fix = "Look for tool calls first, and take the text of a turn for the answer only where there are none."
    references = (
        "https://platform.openai.com/docs/guides/function-calling",
        "https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/overview",
    )
    operator = "calls-first"
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", ('        if answer["content"]:\n', '        if not answer["tool_calls"]:\n'))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Model calls whose attempt brought calls that no output, request or tool step after it has."""
        spoken: set[str] = set()
        for request in requests(run):
            found = _lost(run, request)
            if found is None:
                continue
            outer, inner, lost = found
            function = own_function(model, outer)
            anchors = [as_anchor(function, "kept the text alone", Route.PROBE)] if function is not None else []
            places = one_of_each([*anchors, *own_anchors(outer)])
            if not places or places[0].place in spoken:
                continue
            spoken.add(places[0].place)
            names = ", ".join(dict.fromkeys(part.name or "?" for part in lost))
            yield Finding(
                f"The reply in {inner.id} has text and asks for {names}; {outer.name} ({outer.id}) handed on the "
                "text, and nothing after it makes, answers or repeats the call.",
                places,
                responsible_step=outer.id,
                symptom_step=outer.id,
                path=list(dict.fromkeys((inner.id, outer.id))),
                confidence=0.85,
                quotes=[
                    (f"{inner.id} output", quote(f"{lost[0].name} {run.text(lost[0])}")),
                    (f"{outer.id} output", quote(run.output_text(outer))),
                ],
            )


def _lost(run: Htir, request: TraceStep) -> tuple[TraceStep, TraceStep, list[Part]] | None:
    """The step that lost calls, the one in it that had them, and the calls; the innermost such pair."""
    steps = [step for step in reversed(model_steps(run, request)) if step.status is Status.OK and step.output]
    for inner, outer in pairwise(steps):
        calls = [part for part in inner.output if part.kind == "tool_call" and part.name]
        if not calls or inner.id == outer.id or not _keeps_text_only(run, inner, outer):
            continue
        lost = [call for call in calls if not _is_known(run, outer, call)]
        if len(lost) == len(calls):
            return outer, inner, lost
    return None


def _keeps_text_only(run: Htir, inner: TraceStep, outer: TraceStep) -> bool:
    """Whether an output is a text of the reply and nothing else: a shape of the harness's own may hold more."""
    said = {run.text(part).strip() for part in inner.output if part.kind == "text"} - {""}
    kept = [run.text(part).strip() for part in outer.output if part.kind != "reasoning"]
    return bool(kept) and all(part.kind != "tool_call" for part in outer.output) and set(kept) <= said


def _is_known(run: Htir, outer: TraceStep, call: Part) -> bool:
    """Whether a step after it is the call, or a request after it has it."""
    return any(_has(run, step, call) for step in _after(run, outer))


def _after(run: Htir, step: TraceStep) -> Iterator[TraceStep]:
    begun = False
    for other in run.steps:
        begun = begun or other.id == step.id
        if begun and other.kind in (StepKind.TOOL_CALL, StepKind.MODEL_CALL):
            yield other


def _has(run: Htir, step: TraceStep, call: Part) -> bool:
    if step.kind is StepKind.TOOL_CALL:
        return is_made(run, step, call)
    return any(
        (part.kind == "tool_call" and part.name == call.name)
        or (call.call_id is not None and part.call_id == call.call_id)
        for part in step.input
    )

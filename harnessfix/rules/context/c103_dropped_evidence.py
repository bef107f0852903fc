"""C103: what the model had been told is taken out of its context, and it has to ask again."""

from collections.abc import Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import as_anchor, asking_anchors, one_of_each, quote, that_ran
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceLink, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, LinkKind, Property, Severity, StepKind

LEAST = 40  # characters; a shorter answer is no evidence that can be missed

_AGENT = r'''import json


def read_note(name):
    """Read a note by its name."""
    notes = {"door": "The code of the garden door is 4711, and it changes every spring.", "shed": "empty"}
    return notes.get(name, "there is no such note")


TOOLS = {"read_note": read_note}
WINDOW = 4


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(8):
            messages = messages[:1] + messages[1:][-WINDOW:]
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for call in reply["tool_calls"]:
                answer = TOOLS[call["function"]["name"]](**json.loads(call["function"]["arguments"]))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": answer})
'''
_MAIN = r"""from agent import Agent
from model import Model, call, say

names = ["door", "shed", "roof", "door"]
replies = [call("read_note", {"name": name}, f"call_{n}") for n, name in enumerate(names)]
print(Agent(Model(*replies, say("The code is 4711."))).run("Look at door, shed and roof, then tell me the code."))
"""


class DroppedEvidence(Rule):
    code = "C103"
    name = "dropped-evidence"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "An answer is dropped from the context and needed again."
    why = (
        "A window, a filter or a summary takes out what the model still works with. It asks again if you are "
        "lucky, and guesses from memory if you are not; the place where it goes wrong is then far from the place "
        "that dropped it."
    )
    fix = "Pin what later steps rest on, summarise instead of dropping, and say in the context what was left out."
    by_hand = "Which answer will be needed again is known only after the run; what to pin is a decision about the task."
    references = (
        "https://arxiv.org/abs/2606.06324",
        "https://www.anthropic.com/engineering/effective-context-engineering-for-ai-agents",
    )
    operator = None
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", ("WINDOW = 4", "WINDOW = 40"))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Tool answers that left the context, or never entered it, and were asked for again in the same words."""
        asked: dict[tuple[str, str], list[TraceStep]] = {}
        omitted = run.links_of_kind(LinkKind.OMITTED)
        for step in run.of_kind(StepKind.TOOL_CALL, StepKind.RETRIEVAL) if omitted else ():
            asked.setdefault((step.name, run.input_text(step)), []).append(step)
        spoken: set[str] = set()
        for link in omitted:
            source = run.step(link.source)
            if source.kind not in (StepKind.TOOL_CALL, StepKind.RETRIEVAL):
                continue
            again = _asked_again(run, source, link, asked[source.name, run.input_text(source)])
            if again is None or source.id in spoken:
                continue
            spoken.add(source.id)
            yield _finding(run, model, link, source, again)


def _asked_again(run: Htir, source: TraceStep, link: TraceLink, calls: list[TraceStep]) -> TraceStep | None:
    """The same call made again after its answer was gone, with the same answer."""
    answer = run.output_text(source)
    if len(answer) < LEAST:
        return None
    later = (step for step in calls if run.place(step.id) > run.place(link.target))
    return next((step for step in later if run.output_text(step) == answer), None)


def _finding(run: Htir, model: HarnessModel, link: TraceLink, source: TraceStep, again: TraceStep) -> Finding:
    request = run.step(link.target)
    return Finding(
        message=f"What {source.name} ({source.id}) had answered is gone from request {request.id} on; {again.id} "
        f"asked for it again with {quote(run.input_text(again), 60)!r} and got the same.",
        anchors=_anchors(run, model, request),
        responsible_step=request.id,
        symptom_step=again.id,
        path=(source.id, request.id, again.id),
        confidence=0.8,
        evidence=Evidence.DERIVED,
        quotes=((f"{source.id} output", quote(run.output_text(source))),),
    )


def _anchors(run: Htir, model: HarnessModel, request: TraceStep) -> tuple[Anchor, ...]:
    """Cuts of the history first, then builders that drop messages, then what ran."""
    cuts = [e for e in that_ran(run, model.of_role(ElementRole.TRUNCATION)) if e.value("unit") == "messages"]
    builders = [e for e in that_ran(run, model.of_role(ElementRole.CONTEXT_BUILDER)) if e.fact("drops")]
    named = [as_anchor(e, "takes messages out of the history") for e in (*cuts, *builders)]
    return one_of_each([*named, *asking_anchors(run, request)])

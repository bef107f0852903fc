"""C108: the same block stands in one request many times."""

from collections.abc import Iterable

from harnessfix.rules import _templates as templates
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import added_messages, as_anchor, asking_anchors, one_of_each, quote, that_ran
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Route, Severity, StepKind

LEAST = 400  # characters; short reminders are repeated on purpose
LEAST_TIMES = 3

_AGENT = r"""RULES = "Keep to the house rules: " + "be brief, be kind, be right; " * 30


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "system", "content": RULES}, {"role": "user", "content": task}]
        for _ in range(6):
            reply = self.model.query(messages)
            messages.append(reply)
            if reply["content"] == "done":
                return
            messages.append({"role": "system", "content": RULES})
            messages.append({"role": "user", "content": f"You said {reply['content']}. Go on."})
"""
_MAIN = r"""from agent import Agent
from model import Model, say

Agent(Model(say("one"), say("two"), say("three"), say("done"))).run("Count to three.")
"""


class RepeatedContext(Rule):
    code = "C108"
    name = "repeated-context"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "A block is appended again with every turn."
    why = (
        "The copies cost tokens in every later call and push out what is new; models also take what is said often "
        "for what matters most."
    )
    fix = "Send the block once, at the top; replace the old copy instead of appending another."
    references = ("https://www.anthropic.com/engineering/effective-context-engineering-for-ai-agents",)
    operator = "say-once"
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", ('            messages.append({"role": "system", "content": RULES})\n', ""))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Blocks that harness code appended beside something else in at least three turns of one conversation."""
        answers = {part.text for step in run.of_kind(StepKind.TOOL_CALL, StepKind.RETRIEVAL) for part in step.output}
        times: dict[str, list[TraceStep]] = {}
        for request, _, parts in added_messages(run):
            own = [part for part in parts if part.role not in ("assistant", "tool") and part.kind == "text"]
            beside = [part for part in parts if part.role != "assistant"]
            for text in {part.text for part in own}:
                if len(run.texts.get(text, "")) >= LEAST and text not in answers and len(beside) > 1:
                    times.setdefault(text, []).append(request)
        for text, seen in times.items():
            copies = sum(part.text == text for part in seen[-1].input)
            if len(seen) >= LEAST_TIMES and copies >= LEAST_TIMES:
                yield _finding(run, model, text, seen, copies)


def _finding(run: Htir, model: HarnessModel, text: str, seen: list[TraceStep], copies: int) -> Finding:
    block = run.texts[text]
    anchors: list[Anchor] = []
    for prompt in model.of_role(ElementRole.PROMPT):
        if prompt.text.strip() and prompt.text.strip() == block.strip():
            anchors.append(as_anchor(prompt, "words the block", Route.LITERAL_MATCH))
    fit = next(templates.renderings(model, block), None)
    if fit is not None:
        anchors.append(as_anchor(fit.prompt, "words the block", Route.LITERAL_MATCH))
    builders = [as_anchor(b, "appends messages") for b in that_ran(run, model.of_role(ElementRole.CONTEXT_BUILDER))]
    return Finding(
        message=f"A block of {len(block):,} characters stands {copies} times in request {seen[-1].id}; it was "
        f"added again in {', '.join(step.id for step in seen[1:7])}: {quote(block, 70)!r}.",
        anchors=one_of_each([*nearest_builders(run, seen[1], builders), *anchors]),
        responsible_step=seen[1].id,
        symptom_step=seen[-1].id,
        path=tuple(step.id for step in seen[1:10]),
        confidence=0.8,
        evidence=Evidence.OBSERVED,
        quotes=((f"{seen[-1].id} input", quote(block)),),
        parameters={"copies": copies, "characters": len(block)},
    )


def nearest_builders(run: Htir, request: TraceStep, builders: list[Anchor]) -> list[Anchor]:
    """The builders in the functions around the request first, then its own anchors."""
    around = {(anchor.path, anchor.qualname) for anchor in asking_anchors(run, request)}
    first = [builder for builder in builders if (builder.path, builder.qualname) in around]
    return [*first, *(builder for builder in builders if builder not in first), *asking_anchors(run, request)]

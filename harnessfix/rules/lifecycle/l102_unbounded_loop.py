"""L102: an agent loop that only the model can end."""

import re
from collections.abc import Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import own_anchors
from harnessfix.rules._query import as_anchor, asks_person, element_at, events, one_of_each
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import ElementRole, Property, Severity

MANY = 25  # rounds after which a loop without a bound is a matter of this run, not only of the source
_ASKS = ("prompt", "ask")  # functions that often ask a person
_LIMIT_ERROR = re.compile(r"Limit|Exceeded|Budget|Quota|MaxTurns|MaxSteps")

_AGENT = '''\
class Agent:
    """Asks its model until it says that it is done."""

    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        while True:
            reply = self.model.query(messages)
            messages.append(reply)
            if "DONE" in reply["content"]:
                return reply["content"]
            messages.append({"role": "user", "content": "Go on."})
'''
_MAIN = """\
from agent import Agent
from model import Model, say

print(Agent(Model(*[say(f"part {n}") for n in range(40)], say("DONE"))).run("Write a book."))
"""


class UnboundedLoop(Rule):
    code = "L102"
    name = "unbounded-loop"
    keeps = Property.ACCOUNTING
    severity = Severity.WARNING
    summary = "The agent loop has no bound on steps, time or cost."
    why = (
        "A model that never finds the stop condition keeps the harness calling it, and paying for it, until "
        "somebody notices. No other part of the system can end such a run with its work saved."
    )
    fix = "Bound the loop by steps, time or cost, and leave it with a named stop reason and what exists so far."
    references = (
        "https://github.com/openonion/connectonion/issues/1150",
        "https://github.com/SWE-agent/mini-swe-agent/pull/832",
    )
    options = {"rounds": MANY}
    operator = "bound-loop"
    clone = (ElementRole.AGENT_LOOP, "unbounded")
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", ("        while True:\n", "        for _ in range(60):\n"))

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Agent loops without any bound, unless a person sits in them."""
        limited = _raises_limits(model)
        for loop in model.of_role(ElementRole.AGENT_LOOP):
            if _is_unbounded(loop) and not asks_person(model, loop, *_ASKS):
                yield Finding(
                    f"Only the model can end this loop ({loop.value('condition')}): nothing bounds its steps, its time "
                    "or its cost.",
                    [as_anchor(loop, "the loop without a bound")],
                    confidence=0.4 if limited else 0.6,
                    severity=Severity.INFO if limited else Severity.WARNING,
                    key="unbounded",
                    missing=("a run in which the model does not stop",),
                )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Loops without a bound that went round many times in this run."""
        for step in run.with_event("loop_ended"):
            for event in events(step, "loop_ended"):
                rounds = event.attributes.get("n")
                loop = element_at(model, event.anchor, ElementRole.AGENT_LOOP) if event.anchor is not None else None
                if (
                    loop is None
                    or not _is_unbounded(loop)
                    or not isinstance(rounds, int)
                    or rounds < self.option("rounds")
                ):
                    continue
                if asks_person(model, loop, *_ASKS):
                    continue
                yield Finding(
                    f"The agent loop of {step.name} ({step.id}) went round {rounds} times; nothing but the model could "
                    "have ended it.",
                    one_of_each([as_anchor(loop, "the loop without a bound"), *own_anchors(step)[:1]]),
                    responsible_step=step.id,
                    symptom_step=step.id,
                    path=[step.id],
                    confidence=0.9,
                    parameters={"rounds": rounds},
                    key="unbounded",
                )


def _is_unbounded(loop: Element) -> bool:
    """Whether no bound was found, and the condition compares nothing in order that may be one after all."""
    return loop.fact("unbounded") is not None and not re.search(r"[<>]", str(loop.value("condition")))


def _raises_limits(model: HarnessModel) -> bool:
    """Whether the harness raises errors about limits somewhere: then a loop may be bounded from afar."""
    return any(_LIMIT_ERROR.search(str(statement.value("type"))) for statement in model.of_role(ElementRole.RAISE))

"""L109: what one agent found out never reached the next one."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._handed_in import leaves
from harnessfix.rules._own import loop_around, nearest_own, own_function
from harnessfix.rules._query import ancestors, as_anchor, one_of_each, quote, requests
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Property, Severity, Status, StepKind

MIN_CHARS = 12  # shorter values stand in many texts by chance
MAX_CHARS = 200_000
_BOOKKEEPING = frozenset(
    {"id", "uuid", "status", "model", "role", "type", "created_at", "timestamp", "trace_id", "session_id"}
)

_AGENT = '''\
class Researcher:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(3):
            reply = self.model.query(messages)
            if reply["content"]:
                return {"finding": reply["content"], "caveat": "the numbers of 2023 are estimates only"}
            messages.append({"role": "user", "content": "Go on."})


class Writer:
    def __init__(self, model):
        self.model = model

    def run(self, report):
        messages = [{"role": "user", "content": f"Write it up: {report['finding']}"}]
        for _ in range(3):
            reply = self.model.query(messages)
            if reply["content"]:
                return reply["content"]
            messages.append({"role": "user", "content": "Go on."})


class Team:
    """Two agents one after the other, and an editor who has the last word."""

    def __init__(self, researcher, writer, model):
        self.researcher = researcher
        self.writer = writer
        self.model = model

    def run(self, task):
        for _ in range(2):
            text = self.writer.run(self.researcher.run(task))
            verdict = self.model.query([{"role": "user", "content": f"Is this fit to print? {text}"}])
            if verdict["content"] == "yes":
                return text
'''
_MAIN = """\
from agent import Researcher, Team, Writer
from model import Model, say

researcher = Researcher(Model(say("Sales rose by 4 % in 2023.")))
writer = Writer(Model(say("Sales rose again.")))
print(Team(researcher, writer, Model(say("yes"))).run("How were sales?"))
"""


@dataclass(frozen=True)
class _Loss:
    """Fields of what one episode gave, that the first request of the next one does not hold."""

    giver: TraceStep
    taker: TraceStep
    request: TraceStep
    kept: list[str]
    lost: list[tuple[str, str]]


class HandoffLosesField(Rule):
    code = "L109"
    name = "handoff-loses-field"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "A field that one agent produced is in the hand-over, and not in what the next agent is told."
    why = (
        "The second agent works from a part of what the first found out: the caveat, the file name, the "
        "constraint is gone, and both agents look right on their own. Hand-overs copy named fields, and somebody "
        "added one later."
    )
    fix = "Hand over the whole record, or render every field of it; fail when a field has no place in the template."
    by_hand = "How the next agent is to be told of the field is wording, and belongs to the prompt."
    references = ("https://arxiv.org/abs/2503.13657",)
    operator = None
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", ("{report['finding']}\"", "{report['finding']} Note: {report['caveat']}\""))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Records that reached the next agent, and of which only some fields reached its model."""
        for loss in _losses(run):
            function = own_function(model, loss.taker)
            loop = loop_around(run, model, loss.request)
            anchors = [as_anchor(function, "takes only a part of what it is given")] if function is not None else []
            names = ", ".join(repr(name) for name, _ in loss.lost)
            kept = ", ".join(repr(name) for name in loss.kept)
            yield Finding(
                f"{loss.giver.name} ({loss.giver.id}) gave {names} and {kept}; the request of {loss.request.id} in "
                f"{loss.taker.name} ({loss.taker.id}) holds {kept} only.",
                one_of_each([*anchors, *nearest_own(run, loss.taker), *([loop.anchor] if loop is not None else [])]),
                responsible_step=loss.taker.id,
                symptom_step=loss.request.id,
                path=[loss.giver.id, loss.taker.id, loss.request.id],
                confidence=0.7,
                quotes=[(f"{loss.giver.id} output", quote(f"{name}: {text}")) for name, text in loss.lost[:3]],
                parameters={"fields": [name for name, _ in loss.lost], "kept": [*loss.kept]},
                key="handoff",
            )


def _losses(run: Htir) -> Iterator[_Loss]:
    tasks = [step for step in run.of_kind(StepKind.TASK, StepKind.HANDOFF) if step.status is Status.OK]
    asked = requests(run) if len(tasks) > 1 else ()
    for taker in sorted(tasks, key=lambda step: step.started_ns or 0) if asked else ():
        inside = [r for r in asked if any(outer is taker for outer in ancestors(run, r))]
        before = [g for g in tasks if g is not taker and (g.ended_ns or 0) <= (taker.started_ns or 0)]
        given = {text for part in taker.input for text in leaves(run.text(part))}
        giver = next((g for g in reversed(before) if sum(text in given for _, text in _fields(run, g)) > 1), None)
        if giver is None or not inside:
            continue
        fields = [(name, text) for name, text in _fields(run, giver) if text in given]
        told = "\n".join(run.input_text(request) for request in inside)
        lost = [(name, text) for name, text in fields if text not in told and json.dumps(text)[1:-1] not in told]
        kept = [name for name, text in fields if (name, text) not in lost]
        if lost and kept:
            yield _Loss(giver, taker, inside[0], kept, lost)


def _fields(run: Htir, step: TraceStep) -> list[tuple[str, str]]:
    """Names and texts of the fields of a step's result that are long enough to be told apart."""
    named = [(part.name, run.text(part)) for part in step.output if part.name]
    return [
        (name, text)
        for name, text in named
        if MIN_CHARS <= len(text) <= MAX_CHARS and name.lower() not in _BOOKKEEPING and name[:1] != "$"
    ]

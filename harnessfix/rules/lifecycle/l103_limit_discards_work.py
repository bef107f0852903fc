"""L103: a limit was reached and everything done so far was thrown away."""

from collections.abc import Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._handed_in import episodes
from harnessfix.rules._own import own_anchors
from harnessfix.rules._query import as_anchor, element_at, events, names, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import StepEvent, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Property, Severity, Status, StepKind

_NOTHING = frozenset({"", "null", "None", '""', "[]", "{}"})
_LIMITS = frozenset({"range", "condition", "counter-exit", "limit-exit"})

_AGENT = '''\
import pathlib


class Agent:
    """Writes a report, part by part."""

    def __init__(self, model, limit=3):
        self.model = model
        self.limit = limit

    def write_file(self, text):
        with pathlib.Path("report.txt").open("a") as report:
            report.write(text + "\\n")
        return "written"

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(self.limit):
            reply = self.model.query(messages)
            if reply["content"] == "DONE":
                return pathlib.Path("report.txt").read_text()
            result = self.write_file(reply["content"])
            messages += [reply, {"role": "user", "content": result}]
        return None
'''
_MAIN = """\
from agent import Agent
from model import Model, say

print(Agent(Model(say("part one"), say("part two"), say("part three"), say("DONE"))).run("Write a report."))
"""


class LimitDiscardsWork(Rule):
    code = "L103"
    name = "limit-discards-work"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "The step limit ended the run with nothing, although work had been done."
    why = (
        "Files were written and steps were paid for, and the caller gets `None`: the run counts as empty, and "
        "nobody can tell a limit that was reached from an agent that did nothing."
    )
    fix = (
        "On the limit path collect what exists (files, the last answer, a final summary) and return it with the "
        "stop reason, or raise an error that carries both."
    )
    references = (
        "https://github.com/crewAIInc/crewAI/issues/1038",
        "https://github.com/opensearch-project/ml-commons/issues/4011",
    )
    operator = "finalise-on-limit"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            "        return None\n",
            '        return "stopped at the limit:\\n" + pathlib.Path("report.txt").read_text()\n',
        ),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Episodes whose loop ran out, that returned nothing, and in which something had been made."""
        for episode in episodes(run) if run.with_event("loop_ended") else ():
            if episode.status is not Status.OK or run.output_text(episode).strip() not in _NOTHING:
                continue
            end = _limit_end(run, model, episode)
            made = _made(run, episode) if end is not None else []
            if end is None or not made:
                continue
            owner, event = end
            rounds = event.attributes.get("n")
            what = " and ".join(list(dict.fromkeys(made))[:3])
            loop = element_at(model, event.anchor, ElementRole.AGENT_LOOP) if event.anchor is not None else None
            anchors = [as_anchor(loop, "the loop that ran out")] if loop is not None else []
            yield Finding(
                f"The loop of {owner.name} ({owner.id}) ran out after {rounds} rounds and {episode.name} "
                f"({episode.id}) returned {quote(run.output_text(episode), 20) or 'nothing'}, although there "
                f"was {what}.",
                one_of_each([*anchors, *own_anchors(owner), *own_anchors(episode)]),
                responsible_step=owner.id,
                symptom_step=episode.id,
                path=list(dict.fromkeys([owner.id, episode.id])),
                confidence=0.8 if loop is not None else 0.6,
                parameters={"rounds": rounds},
                key="limit",
            )


def _limit_end(run: Htir, model: HarnessModel, episode: TraceStep) -> tuple[TraceStep, StepEvent] | None:
    """The agent loop of the episode that ended because a limit was reached, and the step it ran in."""
    for step in (episode, *run.descendants(episode.id)):
        for event in events(step, "loop_ended"):
            loop = element_at(model, event.anchor, ElementRole.AGENT_LOOP) if event.anchor is not None else None
            if loop is None or not isinstance(event.attributes.get("n"), int):
                continue
            bounds = {bound for fact in loop.facts if fact.name == "bounded-by" for bound in names(fact.value)}
            if event.attributes.get("why") in ("exhausted", "condition") and _LIMITS & bounds:
                return step, event
    return None


def _made(run: Htir, episode: TraceStep) -> list[str]:
    """What the episode made: files written, in the words of a message."""
    folder = str(run.run.attributes.get("cwd") or "").rstrip("/") + "/"
    found = []
    for step in (episode, *run.descendants(episode.id)):
        if step.kind is StepKind.MODEL_CALL:
            continue
        written = [effect.resource.removeprefix(folder) for effect in step.effects if effect.effect == "artifact"]
        found += [f"{quote(resource, 60)}, written in {step.id}" for resource in written]
    return found

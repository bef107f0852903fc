"""V101: it was reported as done, and nothing had happened."""

import re
from collections.abc import Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._handed_in import episodes
from harnessfix.rules._own import own_anchors
from harnessfix.rules._query import ancestors, as_anchor, one_of_each, quote, tool_element
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, Property, Severity, Status, StepKind

PROBE = "harnessfix-probe"  # the only recordings in which no effect means that there was none
_WRITES = re.compile(r"(^|_)(write|save|create|append|edit|patch|apply|overwrite|touch)(_|$)|write_?file|save_?file")
_PATHS = re.compile(r"(^|_)(path|file|filename|file_path|filepath|target)$")
_CLAIM = re.compile(
    r"wrote|written|saved|created|updated|edited|patched|applied|appended|success|done|\bok\b", re.IGNORECASE
)
_REFUSED = re.compile(
    r"error|fail|not |cannot|denied|refus|invalid|unknown|no such|missing|skipp|outside|dry.?run", re.IGNORECASE
)

_AGENT = '''\
import json
import pathlib


def write_file(path, text):
    """Write a text file."""
    if text.strip():
        lines = text.splitlines()
        if len(lines) > 1:
            pathlib.Path(path).write_text(text)
    return f"wrote {path}"


TOOLS = {"write_file": write_file}


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(4):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for wanted in reply["tool_calls"]:
                arguments = json.loads(wanted["function"]["arguments"])
                result = TOOLS[wanted["function"]["name"]](**arguments)
                messages.append({"role": "tool", "tool_call_id": wanted["id"], "content": result})
        return None
'''
_MAIN = """\
from agent import Agent
from model import Model, call, say

wanted = call("write_file", {"path": "answer.txt", "text": "42"})
print(Agent(Model(wanted, say("The answer is in answer.txt."))).run("Write the answer down."))
"""


class CompletionWithoutEffect(Rule):
    code = "V101"
    name = "completion-without-effect"
    keeps = Property.HONESTY
    severity = Severity.ERROR
    summary = "The run ended well after a tool said that it wrote a file, and no file was written."
    why = (
        "The model believes the tool, the harness believes the model, and nobody looks at the disk. A branch that "
        "writes nothing and returns the usual message makes every later step reason about work that does not "
        "exist."
    )
    fix = (
        "Let a tool report what it did, not what it was asked to do; before completion, check that the artifact "
        "is there."
    )
    by_hand = "What shows that the work was done is different for every tool."
    references = ("https://arxiv.org/abs/2606.06324",)
    operator = None
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            "    if text.strip():\n        lines = text.splitlines()\n        if len(lines) > 1:\n"
            "            pathlib.Path(path).write_text(text)\n",
            "    pathlib.Path(path).write_text(text)\n",
        ),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Writing tools that answered as if they had written, without an effect, in episodes that ended well."""
        for episode in episodes(run):
            if episode.status is not Status.OK or episode.source.format != PROBE:
                continue
            for step in run.descendants(episode.id):
                if step.kind is StepKind.TOOL_CALL and _claims(run, step) and not _did_anything(run, step):
                    yield _finding(run, model, episode, step)
                    break


def _claims(run: Htir, step: TraceStep) -> bool:
    """Whether a call named like writing, with a path among its arguments, answered that it had done so."""
    if not _WRITES.search(step.name.rpartition(".")[2].lower()) or step.status is not Status.OK:
        return False
    paths = [part for part in step.input if part.name and _PATHS.search(part.name.lower()) and run.text(part).strip()]
    answer = run.output_text(step)[:500]
    return bool(paths) and _CLAIM.search(answer) is not None and not _REFUSED.search(answer)


def _did_anything(run: Htir, step: TraceStep) -> bool:
    """Whether the call, or anything around it that is part of it, touched the world."""
    parts = [step, *run.descendants(step.id)]
    parts += [outer for outer in ancestors(run, step) if outer.kind is StepKind.TOOL_CALL]
    return any(effect.effect in ("artifact", "state") for part in parts for effect in part.effects)


def _finding(run: Htir, model: HarnessModel, episode: TraceStep, step: TraceStep) -> Finding:
    tool = tool_element(model, step)
    anchors = [as_anchor(tool, "says that it wrote")] if tool is not None else []
    return Finding(
        f"{step.name} ({step.id}) answered {quote(run.output_text(step), 60)!r} and wrote nothing; {episode.name} "
        f"({episode.id}) ended well.",
        one_of_each([*anchors, *own_anchors(step)]),
        responsible_step=step.id,
        symptom_step=episode.id,
        path=[step.id, episode.id],
        confidence=0.7,
        evidence=Evidence.DERIVED,
        quotes=[(f"{s.id} output", quote(run.output_text(s))) for s in (step, episode)],
        parameters={"tool": step.name},
        key=step.name,
    )

"""T119: a parser found the fields of a reply, and not what stands in them."""

import re
from collections.abc import Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import own_anchors, own_function
from harnessfix.rules._query import as_anchor, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.vocabulary import Property, Route, Severity, Status, StepKind

LEAST_WORDS = 3
_WORD = re.compile(r"\w{2,}")

_AGENT = """\
import re

HEADING = re.compile(r"## (\\w+)")


class Agent:
    def __init__(self, model):
        self.model = model

    def parse_reply(self, reply):
        fields = {}
        name = None
        for line in reply.splitlines():
            heading = HEADING.match(line)
            if heading:
                name = heading.group(1)
                fields[name] = ""
            elif name is not None:
                fields[name] += line
        return fields

    def run(self, task):
        reply = self.model.query([{"role": "user", "content": task}])
        return self.parse_reply(reply["content"])
"""
_MAIN = """\
from agent import Agent
from model import Model, say

print(Agent(Model(say("## reason It is well known.\\n## answer Paris"))).run("The capital of France?"))
"""


class ReadAsNothing(Rule):
    code = "T119"
    name = "read-as-nothing"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "A reply full of words is read into fields that are all empty, and no error is raised."
    why = (
        "A parser that knows its headings by their beginning, or its values by the lines after them, finds the names "
        "in a reply that is laid out a little differently, and nothing in them. The empty answer is a valid one: no "
        "retry, no error, and the model is blamed."
    )
    fix = "Keep what stands after a heading on its line; refuse a reply in which a field that was found stays empty."
    references = (
        "https://docs.python.org/3/library/re.html#re.Match.end",
        "https://github.com/stanfordnlp/dspy/pull/7955",
    )
    operator = "harden-parser"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        ('                fields[name] = ""\n', "                fields[name] = line[heading.end() :].strip()\n"),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Parsers that went well, were given words, and gave named values back of which each is an empty text."""
        spoken: set[str] = set()
        for step in run.of_kind(StepKind.PARSE):
            read = _longest(run, step)
            if step.status is not Status.OK or read is None or not _all_empty(run, step):
                continue
            function = own_function(model, step)
            where = [as_anchor(function, "left the values behind", Route.PROBE)] if function is not None else []
            anchors = one_of_each([*where, *own_anchors(step)])
            if not anchors or anchors[0].place in spoken:
                continue
            spoken.add(anchors[0].place)
            fields = ", ".join(f"`{part.name}`" for part in step.output[:4])
            yield Finding(
                f"{step.name} ({step.id}) read {fields} out of {len(run.text(read)):,} characters, and found every "
                "one of them empty.",
                anchors,
                responsible_step=step.id,
                symptom_step=step.id,
                path=[step.id],
                confidence=0.8,
                quotes=[(f"{step.id} input", quote(run.text(read)))],
            )


def _longest(run: Htir, step: TraceStep) -> Part | None:
    """The text that was read: the longest one it was given, None where that has no words worth reading."""
    texts = [part for part in step.input if part.kind == "text" and run.text(part)[:1] not in ("{", "[{")]
    longest = max(texts, key=lambda part: len(run.text(part)), default=None)
    words = _WORD.findall(run.text(longest)[:2000]) if longest is not None else []
    return longest if len(set(words)) >= LEAST_WORDS else None


def _all_empty(run: Htir, step: TraceStep) -> bool:
    named = [part for part in step.output if part.name]
    return bool(named) and len(named) == len(step.output) and not any(run.text(part).strip() for part in named)

"""V105: nothing was handed in, and that counted as a result."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._handed_in import episodes
from harnessfix.rules._query import as_anchor, element_at, nearest_anchors, one_of_each, quote, requests, step_elements
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Property, Severity, Status, StepKind

EMPTY = frozenset({"", '""', "''", "{}", "[]"})

_AGENT = '''\
class Agent:
    """Asks until its model hands in an answer."""

    def __init__(self, model):
        self.model = model

    def submit(self, answer):
        return answer.strip()

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(4):
            reply = self.model.query(messages)
            messages.append(reply)
            if reply["content"].startswith("ANSWER"):
                return self.submit(reply["content"].removeprefix("ANSWER"))
            messages.append({"role": "user", "content": "Hand in with ANSWER."})
        return None
'''
_VALIDATED = """\
            if reply["content"].removeprefix("ANSWER").strip():
                return self.submit(reply["content"].removeprefix("ANSWER"))
"""
_MAIN = """\
from agent import Agent
from model import Model, say

print(repr(Agent(Model(say("ANSWER "), say("ANSWER 42"))).run("What is the answer?")))
"""


@dataclass(frozen=True)
class _Empty:
    """A step that handed in nothing, and the step whose result that became."""

    step: TraceStep
    ended: TraceStep
    confidence: float


class EmptySubmissionAccepted(Rule):
    code = "V105"
    name = "empty-submission-accepted"
    keeps = Property.HONESTY
    severity = Severity.ERROR
    summary = "The run ended well with an empty result."
    why = (
        "An empty patch, answer or report is never what was asked for. Accepted, it counts as a finished run: no "
        "retry, no error, nothing to see until somebody reads the result."
    )
    fix = (
        "Look at the submission before the run ends: if it is empty or not of its format, say so to the model and "
        "go on, or end the run as failed with that reason."
    )
    references = (
        "https://github.com/openai/openai-agents-python/pull/4513",
        "https://github.com/opensearch-project/ml-commons/issues/4011",
    )
    operator = "validate-final"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            '            if reply["content"].startswith("ANSWER"):\n'
            '                return self.submit(reply["content"].removeprefix("ANSWER"))\n',
            _VALIDATED,
        ),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Submissions that hold nothing, and episodes whose last reply held nothing and whose result is empty."""
        for found in _empty(run):
            step, ended = found.step, found.ended
            places = [
                as_anchor(e, "accepts the submission") for e in step_elements(model, step, ElementRole.SUBMISSION)
            ]
            if any(e.fact("validates") for e in step_elements(model, step, ElementRole.SUBMISSION)):
                continue
            function = next(
                (f for a in nearest_anchors(run, ended) if (f := element_at(model, a, ElementRole.FUNCTION))), None
            )
            last = next((s for s in reversed(requests(run)) if s.id != step.id), None)
            told = f" The last reply was {last.id}." if last is not None else ""
            yield Finding(
                f"{step.name} ({step.id}) handed in nothing, and {ended.name} ({ended.id}) ended well with it.{told}",
                one_of_each(
                    [*places, *nearest_anchors(run, step), *([function.anchor] if function is not None else [])]
                ),
                responsible_step=step.id,
                symptom_step=ended.id,
                path=list(dict.fromkeys([step.id, ended.id])),
                confidence=found.confidence,
                quotes=[(f"{ended.id} output", quote(run.output_text(ended)))],
                parameters={"field": "submission"},
                key="empty",
            )


def _empty(run: Htir) -> Iterator[_Empty]:
    for episode in episodes(run):
        if episode.status is not Status.OK or not _holds_nothing(run, episode):
            continue
        inside = list(run.descendants(episode.id))
        submits = [s for s in inside if s.kind is StepKind.SUBMIT and s.status is Status.OK and _holds_nothing(run, s)]
        asked = [step for step in requests(run) if step in inside]
        if submits:
            yield _Empty(submits[-1], episode, 0.9)
        elif asked and asked[-1].status is Status.OK and not run.output_text(asked[-1]).strip():
            yield _Empty(asked[-1], episode, 0.8)


def _holds_nothing(run: Htir, step: TraceStep) -> bool:
    return bool(step.output) and run.output_text(step).strip() in EMPTY

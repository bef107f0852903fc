"""V105: nothing was handed in, and that counted as a result."""

from collections.abc import Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._handed_in import episodes, results
from harnessfix.rules._own import asking_functions, nearest_own, own_function
from harnessfix.rules._query import as_anchor, one_of_each, quote, requests
from harnessfix.rules._replies import failure_of, says_nothing, was_cut_off
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Property, Severity, Status, StepKind

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
    yields_to = ("L112", "V108", "V109")
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
        """Episodes that ended well and gave back an empty text."""
        for episode in episodes(run):
            if episode.status is not Status.OK or not _is_empty(results(run, episode)):
                continue
            inside = list(run.descendants(episode.id))
            submits = [s for s in inside if s.kind is StepKind.SUBMIT and _is_empty(results(run, s))]
            asked = [step for step in requests(run) if step in inside]
            if asked and (was_cut_off(run, asked[-1]) or failure_of(run, asked[-1])):
                continue  # the reply itself said why; that is another rule's matter
            if submits:
                yield _finding(run, model, submits[-1], episode, 0.9)
            elif asked and asked[-1].status is Status.OK and says_nothing(run, asked[-1]):
                yield _finding(run, model, asked[-1], episode, 0.8)


def _is_empty(texts: list[str]) -> bool:
    return bool(texts) and not any(text.strip() not in EMPTY for text in texts)


def _finding(run: Htir, model: HarnessModel, step: TraceStep, ended: TraceStep, confidence: float) -> Finding:
    submitted = step.kind is StepKind.SUBMIT
    functions = [own_function(model, step)] if submitted else [*asking_functions(run, model, step)]
    why = "accepts the submission" if submitted else "turns an empty reply into a result"
    words = (
        f"handed in nothing ({step.id})" if submitted else f"got nothing from the model in its last reply ({step.id})"
    )
    return Finding(
        f"{step.name if submitted else ended.name} {words}, and {ended.name} ({ended.id}) ended well with an empty "
        "result.",
        one_of_each([*(as_anchor(f, why) for f in functions if f), *nearest_own(run, step), *nearest_own(run, ended)]),
        responsible_step=step.id,
        symptom_step=ended.id,
        path=list(dict.fromkeys([step.id, ended.id])),
        confidence=confidence,
        quotes=[(f"{step.id} output", quote(run.output_text(step)))],
        parameters={"field": "submission"},
        key="empty",
    )

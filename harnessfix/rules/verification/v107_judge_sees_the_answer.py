"""V107: the expected answer was in the prompt."""

from collections.abc import Iterable
from dataclasses import dataclass

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._handed_in import leaves
from harnessfix.rules._query import as_anchor, function_of, nearest_anchors, one_of_each, quote, requests
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Property, Severity, StepKind

MIN_CHARS = 8  # shorter answers ("yes", "42") stand in many texts by chance
EXPECTED = frozenset(
    {
        "expected",
        "expected_answer",
        "expected_output",
        "gold",
        "gold_answer",
        "golden",
        "ground_truth",
        "reference_answer",
    }
    | {"correct_answer", "label", "target", "solution", "reference", "oracle"}
)

_AGENT = '''\
class Agent:
    """Answers a question of an evaluation set."""

    def __init__(self, model):
        self.model = model

    def prompt(self, sample):
        return f"Answer the question. Sample: {sample}"

    def run(self, sample):
        reply = self.model.query([{"role": "user", "content": self.prompt(sample)}])
        return reply["content"]


def check_answer(answer, expected):
    return expected in answer
'''
_MAIN = """\
from agent import Agent, check_answer
from model import Model, say

sample = {"question": "Who wrote it?", "expected": "Sigrid Undset in 1920"}
answer = Agent(Model(say("Sigrid Undset in 1920"))).run(sample)
print(check_answer(answer, sample["expected"]))
"""


@dataclass(frozen=True)
class _Oracle:
    """A text that a check compared the answer with, and that check."""

    check: TraceStep
    name: str
    text: str


class JudgeSeesTheAnswer(Rule):
    code = "V107"
    name = "judge-sees-the-answer"
    keeps = Property.AUTHORITY
    severity = Severity.ERROR
    summary = "The answer that a check compares with was already in a request to the model."
    why = (
        "The score then measures copying. It happens when a whole sample or record is put into a prompt, or when "
        "a judge shares its conversation with the agent."
    )
    fix = (
        "Build prompts from named fields of the task, keep expected answers in the evaluator, and pass them "
        "nowhere else."
    )
    by_hand = (
        "Which fields of a record belong to the task and which to the evaluation is not to be seen from their names."
    )
    references = ("https://arxiv.org/abs/2311.04850",)
    operator = None
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", ("Sample: {sample}", "Question: {sample['question']}"))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Expected answers of checks that stand in an earlier request and that no model and no tool had said before."""
        seen: set[str] = set()
        for oracle in _oracles(run):
            leak = _leak(run, oracle) if oracle.text not in seen else None
            seen.add(oracle.text)
            if leak is None:
                continue
            builders = [s for s in run.of_kind(StepKind.CONTEXT_BUILD) if oracle.text in run.output_text(s)]
            places = [a for s in (*builders, leak) for a in nearest_anchors(run, s)]
            function = next((f for a in places if (f := function_of(model, a))), None)
            anchors = [as_anchor(function, "put it into the prompt")] if function is not None else []
            yield Finding(
                f"The request of {leak.id} held {oracle.name!r}, the text that {oracle.check.name} ({oracle.check.id}) "
                "later compared the answer with.",
                one_of_each([*anchors, *places]),
                responsible_step=leak.id,
                symptom_step=oracle.check.id,
                path=[leak.id, oracle.check.id],
                confidence=0.85,
                quotes=[(f"{oracle.check.id} {oracle.name}", quote(oracle.text))],
                parameters={"field": oracle.name},
                key=oracle.name,
            )


def _oracles(run: Htir) -> Iterable[_Oracle]:
    for check in run.of_kind(StepKind.VERIFY):
        for part in check.input:
            if (part.name or "").lower() in EXPECTED:
                for text in leaves(run.text(part)):
                    if len(text.strip()) >= MIN_CHARS:
                        yield _Oracle(check, part.name or "", text.strip())


def _leak(run: Htir, oracle: _Oracle) -> TraceStep | None:
    """The first request before the check that held the text, unless somebody had said it, or a person asked with it."""
    sent = {step.id for step in requests(run)}
    for step in run.steps:
        if step is oracle.check:
            return None
        if step.id in sent and any(oracle.text in run.text(part) for part in step.input):
            return None if _asked_with(run, oracle) else step
        if step.kind in (
            StepKind.MODEL_CALL,
            StepKind.TOOL_CALL,
            StepKind.RETRIEVAL,
        ) and oracle.text in run.output_text(step):
            return None
    return None


def _asked_with(run: Htir, oracle: _Oracle) -> bool:
    """Whether the task itself, as a plain text, names the answer (a question that offers choices does)."""
    return any(
        oracle.text in text and part.name not in EXPECTED and not run.text(part).startswith(("{", "["))
        for episode in run.of_kind(StepKind.TASK)
        for part in episode.input
        for text in leaves(run.text(part))
    )

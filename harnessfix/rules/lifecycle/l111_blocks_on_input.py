"""L111: a run waits for a person who is not there."""

from collections.abc import Iterable

from harnessfix.rules._errors import raised
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import nearest_own
from harnessfix.rules._query import ancestors, as_anchor, function_of, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import CallEdge, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Property, Severity, Status

_ASKS = frozenset(
    {
        "builtins.input",
        "click.confirm",
        "click.prompt",
        "getpass.getpass",
        "input",
        "prompt_toolkit.prompt",
        "rich.prompt.Confirm.ask",
        "rich.prompt.Prompt.ask",
        "typer.confirm",
        "typer.prompt",
    }
)

_AGENT = '''\
class Agent:
    """Answers; when its model is not sure, asks whoever sits at the terminal."""

    def __init__(self, model):
        self.model = model

    def ask_user(self, question):
        return input(f"{question} ")

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(4):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply["content"].endswith("?"):
                return reply["content"]
            messages.append({"role": "user", "content": self.ask_user(reply["content"])})
        return None
'''
_MAIN = """\
from agent import Agent
from model import Model, say

print(Agent(Model(say("Which year?"), say("It was 1920."))).run("When was it?"))
"""


class BlocksOnInput(Rule):
    code = "L111"
    name = "blocks-on-input"
    keeps = Property.CONTAINMENT
    severity = Severity.ERROR
    summary = "The run waits for, or dies of, a question to a person when nobody is at the terminal."
    why = (
        "In a batch, in CI or in a container there is no terminal: `input()` raises EOFError and ends the run, or "
        "waits until something kills it. What should have been a clean stop at a limit, or a refusal, is a crash."
    )
    fix = (
        "Ask only when standard input is a terminal (`sys.stdin.isatty()`); otherwise take a stated default, "
        "which for an approval is no, and say in the run that nobody was asked."
    )
    references = (
        "https://github.com/SWE-agent/mini-swe-agent/issues/849",
        "https://github.com/UKGovernmentBEIS/inspect_ai/pull/5085",
    )
    operator = "non-interactive-default"
    bad = harness(_AGENT, _MAIN, exit_code=1)
    good = edited(
        bad,
        "agent.py",
        (
            '        return input(f"{question} ")\n',
            "        if not sys.stdin.isatty():\n"
            '            return "Nobody is here to ask. Decide for yourself."\n'
            '        return input(f"{question} ")\n',
        ),
        ("class Agent:\n", "import sys\n\n\nclass Agent:\n"),
        exit_code=0,
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Questions that met the end of standard input, and steps with a question in them that never ended."""
        for origin in raised(run, "EOFError"):
            call = _question(model, origin.anchors[0]) if origin.anchors else None
            if call is not None or (origin.error is not None and "reading a line" in origin.error.message):
                ended = [step for step in ancestors(run, origin) if step.error is not None]
                what = f" and ended {ended[-1].name} ({ended[-1].id})" if ended else ""
                words = f"The harness asked a question and standard input had ended: EOFError ({origin.id}){what}."
                line = origin.anchors[0].start_line if origin.anchors else 0
                yield _finding(run, model, origin, (ended or [origin])[-1], words, 0.95, line)
        last = max(run.steps, key=lambda step: step.started_ns or 0, default=None)
        if last is not None and last.status is Status.UNFINISHED:
            call = next((c for a in nearest_own(run, last)[:1] if (c := _question_in(model, a)) is not None), None)
            if call is not None:
                words = (
                    f"{last.name} ({last.id}) never ended, and it asks a question ({call.callee}, line {call.line})."
                )
                yield _finding(run, model, last, last, words, 0.7, call.line)


def _question(model: HarnessModel, anchor: Anchor) -> CallEdge | None:
    """The call that asks a person, on just that line."""
    here = (call for call in model.calls_in(anchor.path) if call.line == anchor.start_line)
    return next((call for call in here if call.callee in _ASKS), None)


def _question_in(model: HarnessModel, anchor: Anchor) -> CallEdge | None:
    """A call that asks a person, in the function of the anchor."""
    owner = anchor.symbol
    return next((call for call in model.calls_of(owner) if call.callee in _ASKS), None)


def _finding(
    run: Htir, model: HarnessModel, step: TraceStep, ended: TraceStep, words: str, confidence: float, line: int
) -> Finding:
    places = nearest_own(run, step)
    function = next((f for anchor in places[:1] if (f := function_of(model, anchor)) is not None), None)
    anchors = [as_anchor(function, "asks a person")] if function is not None else []
    return Finding(
        words,
        one_of_each([*anchors, *places]),
        responsible_step=step.id,
        symptom_step=ended.id,
        path=list(dict.fromkeys([step.id, ended.id])),
        confidence=confidence,
        quotes=[(f"{step.id} error", quote(step.error.message))] if step.error is not None else (),
        parameters={"line": line} if line else {},
        key="asks",
    )

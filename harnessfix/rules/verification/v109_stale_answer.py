"""V109: the last reply held no answer, so an older one was handed in."""

from collections.abc import Iterable, Iterator, Sequence

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._handed_in import HandedIn, episodes, results, results_after
from harnessfix.rules._own import callers_of, nearest_own, own_function
from harnessfix.rules._query import as_anchor, one_of_each, quote, requests
from harnessfix.rules._replies import says_nothing, texts_of
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Property, Severity, Status, StepKind

MIN_CHARS = 8

_AGENT = '''\
class Agent:
    """Runs the tools that its model asks for until it answers."""

    def __init__(self, model):
        self.model = model

    def look_up(self, city):
        return {"Oslo": "4 degrees"}.get(city, "unknown")

    def last_text(self, messages):
        for message in reversed(messages):
            if message["role"] == "assistant" and message["content"]:
                return message["content"]
        return ""

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(4):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return self.last_text(messages)
            for wanted in reply["tool_calls"]:
                messages.append({"role": "tool", "tool_call_id": wanted["id"], "content": self.look_up("Oslo")})
        return None
'''
_ASKS_AGAIN = """\
            if not reply.get("tool_calls") and reply["content"]:
                return reply["content"]
            if not reply.get("tool_calls"):
                messages.append({"role": "user", "content": "That reply was empty. What is the answer?"})
            for wanted in reply.get("tool_calls", []):
"""
_MAIN = """\
from agent import Agent
from model import Model, call, say

first = call("look_up", {"city": "Oslo"}) | {"content": "Let me look that up."}
print(Agent(Model(first, say(""), say("It is 4 degrees in Oslo."))).run("How cold is it in Oslo?"))
"""


class StaleAnswer(Rule):
    code = "V109"
    name = "stale-answer"
    keeps = Property.HONESTY
    severity = Severity.ERROR
    summary = "The result is text from an earlier turn; the turn that ended the run said nothing."
    why = (
        '"Let me look that up" becomes the final answer. The model\'s last reply was empty or held no text, and '
        "the harness searched its history backwards for something to return: a remark from before the evidence "
        "was in."
    )
    fix = "Take the answer from the turn that ends the run, and from nowhere else; when it has none, ask again or fail."
    references = ("https://github.com/pydantic/pydantic-ai/pull/6403",)
    operator = "validate-final"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            '            if not reply.get("tool_calls"):\n                return self.last_text(messages)\n'
            '            for wanted in reply["tool_calls"]:\n',
            _ASKS_AGAIN,
        ),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Episodes whose result is what the model had said in an earlier turn, before a last reply without text."""
        for asked, handed in _endings(run):
            if len(asked) < 2 or asked[-1].status is not Status.OK or not says_nothing(run, asked[-1]):
                continue
            for result in handed:
                stale = next((s for s in reversed(asked[:-1]) if result.text.strip() in _said(run, s)), None)
                if stale is not None:
                    yield _finding(run, model, result, stale, asked[-1])
                    break


def _endings(run: Htir) -> Iterator[tuple[Sequence[TraceStep], list[HandedIn]]]:
    """Requests and results of each agent episode that ended well, or of the run when it shows no episode."""
    tasks = [episode for episode in episodes(run) if episode.kind is StepKind.TASK]
    for episode in tasks:
        if episode.status is Status.OK:
            inside = {step.id for step in run.descendants(episode.id)}
            yield (
                [step for step in requests(run) if step.id in inside],
                [HandedIn(episode, text) for text in results(run, episode)],
            )
    if not tasks and (asked := requests(run)):
        yield asked, list(results_after(run, asked[-1]))


def _said(run: Htir, step: TraceStep) -> set[str]:
    """What the model said in a reply; short remarks do not count."""
    return {text for text in texts_of(run, step) if len(text) >= MIN_CHARS}


def _finding(run: Htir, model: HarnessModel, result: HandedIn, stale: TraceStep, last: TraceStep) -> Finding:
    ended, text = result.step, result.text.strip()
    later = run.steps[run.place(last.id) + 1 :]
    chosen = [s for s in later if s.kind in (StepKind.SUBMIT, StepKind.PARSE) and text in run.output_text(s)]
    functions = [f for s in chosen if (f := own_function(model, s)) is not None]
    if ended.kind is not StepKind.TASK:
        functions += callers_of(model, ended)
    anchors = [as_anchor(function, "chose the text that was handed in") for function in functions]
    return Finding(
        f"{ended.name} ({ended.id}) handed in what the model had said in {stale.id}; its last reply, {last.id}, held "
        "no text.",
        one_of_each([*anchors, *nearest_own(run, ended)]),
        responsible_step=last.id,
        symptom_step=ended.id,
        path=[stale.id, last.id, ended.id],
        confidence=0.85 if ended.kind is StepKind.TASK else 0.7,
        quotes=[(f"{stale.id} output", quote(text)), (f"{ended.id} output", quote(run.output_text(ended)))],
        key="stale",
    )

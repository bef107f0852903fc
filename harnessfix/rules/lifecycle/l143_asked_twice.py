"""L143: a function asks a model for the same twice, on two of its lines, and never reads the first answer."""

from collections.abc import Iterable, Iterator
from itertools import pairwise, zip_longest

from harnessfix.rules._errors import Frame
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import frames_told, nearest_own
from harnessfix.rules._query import as_anchor, one_of_each, requests
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Route, Severity, Status

_UNREAD = "unread-answer"

_AGENT = """\
class Client:
    def __init__(self, model):
        self.model = model

    def complete(self, messages):
        return self.model.query(messages)


class Agent:
    def __init__(self, model):
        self.client = Client(model)

    def run(self, task, careful=False):
        messages = [{"role": "user", "content": task}]
        for _ in range(3):
            if careful:
                reply = self.client.complete(messages)
            reply = self.client.complete(messages)
            messages.append(reply)
            if reply["content"].startswith("DONE"):
                return reply["content"]
        return None
"""
_MAIN = """\
from agent import Agent
from model import Model, say

script = [say("Counting."), say("Let me count."), say("Seven, I think."), say("DONE 7")]
print(Agent(Model(*script)).run("How many days?", careful=True))
"""


class AskedTwice(Rule):
    code = "L143"
    name = "asked-twice"
    keeps = Property.EFFECT
    severity = Severity.WARNING
    summary = "A function asks a model for the same on two of its lines, and never reads the first answer."
    why = (
        "Both requests are paid and waited for, and one of the replies is thrown away: a branch that should have "
        "ended with its own request goes on to the next one."
    )
    fix = "Keep one of the two requests."
    by_hand = "Which of the two was meant is not known."
    references = ("https://github.com/camel-ai/camel/pull/3065",)
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        ("self.client.complete(messages)\n            reply =", "list(messages)\n            reply ="),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """The same asked twice, word for word, where the source never reads the first answer."""
        told: set[str] = set()
        for first, second in pairwise(requests(run)):
            line = _asking(first, second)
            if line is None or not _is_repeated(run, first, second):
                continue
            unread = next((each for each in _unread(model, line) if each.id not in told), None)
            if unread is not None:
                told.add(unread.id)
                yield _finding(run, unread, first, second)


def _unread(model: HarnessModel, line: Frame) -> Iterator[Element]:
    """Where the function gives the answer of this line a name, and nothing reads it."""
    for element in model.in_function(line.path, line.function, ElementRole.HAZARD):
        lines = range(element.anchor.start_line, element.anchor.end_line + 1)
        if element.name == _UNREAD and line.line in lines:
            yield element


def _finding(run: Htir, unread: Element, first: TraceStep, second: TraceStep) -> Finding:
    return Finding(
        f"{second.name} ({second.id}) sent what {first.name} ({first.id}) had just sent, word for word; "
        f"`{unread.anchor.qualname}` asked for both, and nothing reads `{unread.value('name')}` in between.",
        one_of_each([as_anchor(unread, "asks, and does not read the answer", Route.STACK), *nearest_own(run, second)]),
        responsible_step=first.id,
        symptom_step=second.id,
        path=[first.id, second.id],
        confidence=0.8,
        evidence=Evidence.DERIVED,
    )


def _asking(first: TraceStep, second: TraceStep) -> Frame | None:
    """The line of the first request in the function from another line of which the second came."""
    for one, other in zip_longest(reversed(frames_told(first)), reversed(frames_told(second))):
        if one != other:
            same = one is not None and other is not None and (one.path, one.function) == (other.path, other.function)
            return one if same else None
    return None


def _is_repeated(run: Htir, first: TraceStep, second: TraceStep) -> bool:
    """Whether the second asks the same of the same, and nothing happened since the first was answered."""
    if (first.name, first.parent, _asked(first)) != (second.name, second.parent, _asked(second)):
        return False
    own = {first.id, *(inner.id for inner in run.descendants(first.id))}
    between = run.steps[run.place(first.id) : run.place(second.id)]
    return first.status is Status.OK and all(step.id in own for step in between)


def _asked(step: TraceStep) -> object:
    return step.attributes.get("arguments"), [(part.role, part.kind, part.name, part.text) for part in step.input]

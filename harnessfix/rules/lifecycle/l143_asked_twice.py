"""L143: a function asks a model for the same twice, on two of its lines, and has no use for the first reply."""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise, zip_longest
from typing import NamedTuple

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import nearest_own
from harnessfix.rules._query import as_anchor, one_of_each, reply_parts, requests
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, LinkFamily, Property, Route, Severity, Status

MOST_LOOKED = 8  # pairs of one function; each look goes through the rest of the run

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


class Frame(NamedTuple):
    """Where a step was called from: a line of a function."""

    path: str
    qualname: str
    line: int


class AskedTwice(Rule):
    code = "L143"
    name = "asked-twice"
    keeps = Property.EFFECT
    severity = Severity.WARNING
    summary = "A function asks a model for the same on two of its lines, and nothing comes of the first reply."
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
        """Functions that asked for the same twice, word for word, wherever they did so with no use for the first."""
        found: dict[tuple[str, str], tuple[TraceStep, TraceStep]] = {}
        used: set[tuple[str, str]] = set()
        looked: Counter[tuple[str, str]] = Counter()
        for first, second in pairwise(requests(run)):
            place = _asking(first, second)
            if place is None or place in used or looked[place] == MOST_LOOKED:
                continue
            if not _is_repeated(run, first, second):
                continue
            looked[place] += 1
            if _is_used(run, first, second):
                used.add(place)
            found.setdefault(place, (first, second))
        for place, (first, second) in found.items():
            if place not in used:
                yield _finding(run, model.function(*place), first, second)


def _finding(run: Htir, function: Element | None, first: TraceStep, second: TraceStep) -> Finding:
    anchors = [as_anchor(function, "asks twice", Route.STACK)] if function is not None else []
    name = f"`{function.anchor.qualname}`" if function is not None else "one function"
    return Finding(
        f"{second.name} ({second.id}) sent what {first.name} ({first.id}) had just sent, word for word; {name} asked "
        "for both, on two of its lines, and only the second reply was used.",
        one_of_each([*anchors, *nearest_own(run, second)]),
        responsible_step=first.id,
        symptom_step=second.id,
        path=[first.id, second.id],
        confidence=0.7,
        evidence=Evidence.DERIVED,
    )


def _frames(step: TraceStep) -> list[Frame]:
    """Lines that a step was called from, outermost first."""
    told = step.attributes.get("called_from")
    frames = [frame for frame in told if isinstance(frame, list)] if isinstance(told, list) else []
    return [
        Frame(path, name, line)
        for path, name, line in (frame[:3] for frame in reversed(frames) if len(frame) > 2)
        if isinstance(path, str) and isinstance(name, str) and isinstance(line, int)
    ]


def _asking(first: TraceStep, second: TraceStep) -> tuple[str, str] | None:
    """Path and name of the function that two of whose lines the requests came from."""
    for one, other in zip_longest(_frames(first), _frames(second)):
        if one != other:
            same = one is not None and other is not None and one[:2] == other[:2]
            return (one.path, one.qualname) if same else None
    return None


def _is_repeated(run: Htir, first: TraceStep, second: TraceStep) -> bool:
    """Whether the second asks the same of the same, and nothing happened since the first was answered."""
    if (first.name, first.parent, _asked(first)) != (second.name, second.parent, _asked(second)):
        return False
    own = _ids(run, first)
    between = run.steps[run.place(first.id) : run.place(second.id)]
    return first.status is Status.OK and bool(reply_parts(run, first)) and all(step.id in own for step in between)


def _is_used(run: Htir, first: TraceStep, second: TraceStep) -> bool:
    """Whether anything but the second request got the first reply, or a part of it."""
    own = _ids(run, first) | _ids(run, second)
    links = (link for step in _ids(run, first) for link in run.links_from(step))
    if any(link.family is LinkFamily.DATA and link.target not in own for link in links):
        return True
    said = {part.text for part in reply_parts(run, first)}  # short texts are not linked
    later = (step for step in run.steps[run.place(first.id) :] if step.id not in own)
    return any(part.text in said for step in later for part in (*step.input, *step.output))


def _asked(step: TraceStep) -> list[tuple[object, ...]]:
    return [(part.role, part.kind, part.name, part.text) for part in step.input]


def _ids(run: Htir, step: TraceStep) -> set[str]:
    return {step.id, *(inner.id for inner in run.descendants(step.id))}

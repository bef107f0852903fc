"""O116: what ran beside the run failed, or never ran, and nobody heard of it."""

from collections.abc import Iterable, Iterator, Sequence

from harnessfix.rules._errors import raised, short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import as_anchor, function_of, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Property, Severity

_BEGINS = frozenset({"dropped-task", "never-awaited"})

_AGENT = '''\
import asyncio


class Recorder:
    """Keeps a copy of every reply; the agent does not wait for it."""

    def __init__(self, store):
        self.store = store

    async def save(self, reply):
        self.store[reply["id"]] = reply["content"]


class Agent:
    def __init__(self, model, recorder):
        self.model, self.recorder = model, recorder

    async def run(self, task):
        reply = self.model.query([{"role": "user", "content": task}])
        saving = asyncio.create_task(self.recorder.save(reply))
        await asyncio.sleep(0)
        return reply["content"]
'''
_MAIN = """\
import asyncio

from agent import Agent, Recorder
from model import Model, say

print(asyncio.run(Agent(Model(say("4")), Recorder({})).run("Two and two?")))
"""


class LostFailure(Rule):
    code = "O116"
    name = "lost-failure"
    keeps = Property.HONESTY
    severity = Severity.WARNING
    summary = "A task or thread of the harness failed, or a coroutine never ran, and the run went on as if it had."
    why = (
        "An exception in a task that nobody waits for, or in a thread, ends that and nothing else. Python says so on "
        "standard error when it is too late to matter; the run is called a success, and what was to be saved, sent or "
        "checked beside it was not."
    )
    fix = "Wait for what was begun, or give it a callback that looks at its exception and reports it."
    by_hand = "Whether the run waits, gives up or only reports is for its author to say."
    references = (
        "https://docs.python.org/3/library/asyncio-dev.html#detect-never-retrieved-exceptions",
        "https://docs.python.org/3/library/threading.html#threading.excepthook",
    )
    yields_to = ("L122",)
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        ('reply["id"]', 'reply.get("id")'),
        ("        await asyncio.sleep(0)\n", "        await saving\n"),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Complaints of Python's own about the harness; one finding per place."""
        failures = {str(step.attributes.get("exc_id")): step for step in raised(run)}
        spoken: set[str] = set()
        for step in run.steps:
            if "complaint" not in step.attributes:
                continue
            failed = failures.get(str(step.attributes.get("exc_id")))
            anchors = one_of_each([*_begun(run, model, step), *_ran(model, step, failed)])
            if anchors and anchors[0].place not in spoken:
                spoken.add(anchors[0].place)
                yield _finding(step, failed, anchors)


def _begun(run: Htir, model: HarnessModel, step: TraceStep) -> Iterator[Anchor]:
    """Where it was begun and let go, as far as the source shows: in the function of the step around it."""
    around = run.step(step.parent) if step.parent is not None else None
    function = function_of(model, around.anchors[0]) if around is not None and around.anchors else None
    if function is None:
        return
    inside = model.in_function(function.anchor.path, function.anchor.qualname, ElementRole.HAZARD)
    yield from (as_anchor(hazard, "begins it and lets it go") for hazard in inside if hazard.name in _BEGINS)


def _ran(model: HarnessModel, step: TraceStep, failed: TraceStep | None) -> Iterator[Anchor]:
    """What ran, or was to run, and the line where it failed."""
    function: Element | None = function_of(model, step.anchors[0]) if step.anchors else None
    if function is not None:
        yield as_anchor(function, "ran, or was to run, with nobody waiting")
    yield from failed.anchors[:1] if failed is not None else step.anchors[:1]


def _finding(step: TraceStep, failed: TraceStep | None, anchors: Sequence[Anchor]) -> Finding:
    kind, error = step.attributes["complaint"], failed.error if failed is not None else None
    why = f" ({short_type(error)}, {failed.id})" if failed is not None and error is not None else ""
    return Finding(
        f"{step.name}{why}: only Python's own complaint on standard error says so ({step.id}).",
        anchors,
        responsible_step=failed.id if failed is not None else step.id,
        symptom_step=step.id,
        path=[failed.id, step.id] if failed is not None else [step.id],
        confidence=0.6 if kind == "destroyed" else 0.85,
        quotes=[(f"{failed.id} error", quote(error.message))] if failed is not None and error is not None else [],
        key=str(kind),
    )

"""E109: a run that fails leaves behind what a run that succeeds would have ended."""

from collections.abc import Iterable

from harnessfix.rules._errors import short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import ancestors, as_anchor, events, hazards, names, nearest_anchors, one_of_each, quote
from harnessfix.rules._reach import processes_of
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, Property, Severity, Status, StepKind

_AGENT = r"""import subprocess


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        sandbox = subprocess.Popen(["sleep", "3"])
        messages = [{"role": "user", "content": task}]
        for _ in range(5):
            reply = self.model.query(messages)
            messages.append(reply)
            if reply["content"] == "done":
                break
        sandbox.kill()
        sandbox.wait()
        return messages
"""
_MAIN = r"""from agent import Agent
from model import Model


class Unreachable(Model):
    def query(self, messages, tools=None):
        raise ConnectionError("the provider is not there")


Agent(Unreachable()).run("Count to three.")
"""
_RELEASED = """        try:
            for _ in range(5):
                reply = self.model.query(messages)
                messages.append(reply)
                if reply["content"] == "done":
                    break
        finally:
            sandbox.kill()
            sandbox.wait()
"""


class UncleanTeardown(Rule):
    code = "E109"
    name = "unclean-teardown"
    keeps = Property.CLEANUP
    severity = Severity.WARNING
    summary = "A process that a run started outlives it when it fails, or a lock stays held."
    why = (
        "The release stands behind the work and is skipped when the work fails. Sandboxes, servers and browsers of "
        "failed runs pile up until the next run finds no port, no memory or no quota, and fails for that reason."
    )
    fix = "Put acquire and release into a `with` block, or the release into `finally`."
    references = ("https://docs.python.org/3/library/contextlib.html#contextlib.closing",)
    operator = "ensure-cleanup"
    on_failure = True
    bad = harness(_AGENT, _MAIN, exit_code=1)
    good = edited(
        bad, "agent.py", (_AGENT[_AGENT.index("        for _ in") : _AGENT.index("        return messages")], _RELEASED)
    )

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Locks that stay held when what is done under them fails."""
        for held in hazards(model, "unreleased-lock"):
            yield Finding(
                message=f"`{held.value('name')}` is released on one way out of {held.anchor.qualname} only: an "
                "exception or a return before it leaves it held, and who comes next waits for ever.",
                anchors=[as_anchor(held, "takes what is not always given back")],
                confidence=0.6,
                evidence=Evidence.DERIVED,
                parameters={"release": f"{held.value('name')}.release()"},
                key=f"held {held.value('name')}",
                missing=("a run in which the work under the lock fails",),
            )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Outermost steps that an exception ended and that left processes which they had started themselves."""
        for step in run.with_event("children_alive"):
            alive = events(step, "children_alive")
            if step.kind is StepKind.TOOL_CALL or step.status is not Status.ERROR:
                continue
            if any(True for _ in ancestors(run, step)) or _left_further_in(run, step):
                continue
            call = next((c for c in processes_of(model, step) if not c.fact("waits") or "Popen" in c.name), None)
            if call is None:
                continue
            commands = [name for event in alive for name in names(event.attributes.get("commands"))]
            yield Finding(
                message=f"{step.name} ({step.id}) was ended by {short_type(step.error)} and left "
                f"{quote(', '.join(commands), 90)} running, started at {call.anchor.place}.",
                anchors=one_of_each([as_anchor(call, "starts what is left behind"), *nearest_anchors(run, step)]),
                responsible_step=step.id,
                symptom_step=step.id,
                path=(step.id,),
                confidence=0.8,
                evidence=Evidence.OBSERVED,
                quotes=tuple((f"{step.id} processes", quote(command)) for command in commands[:3]),
            )


def _left_further_in(run: Htir, step: TraceStep) -> bool:
    """Whether a tool inside had left them: then the tool is to blame, and another rule says so."""
    inside = (s for s in run.descendants(step.id) if s.kind is StepKind.TOOL_CALL)
    return any(events(inner, "children_alive") for inner in inside)

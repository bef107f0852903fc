"""E101: a command of the model's choice may run for ever."""

from collections.abc import Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import as_anchor, reachable
from harnessfix.rules._reach import is_driven, model_commands, model_driven
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity, Status, StepKind

LONG_SECONDS = 120.0
SHARE_OF_RUN = 0.6

_AGENT = r'''import subprocess


def run_command(command):
    """Run a shell command and return what it printed."""
    done = subprocess.run(command, shell=True, capture_output=True)
    return f"exit {done.returncode}\n{done.stdout!r}"


TOOLS = {"bash": run_command}


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(5):
            reply = self.model.query(messages)
            messages.append(reply)
            if reply["content"] == "done":
                return
            messages.append({"role": "user", "content": TOOLS["bash"](reply["content"])})
'''
_FOR_EVER = "    done = subprocess.run(command, shell=True, capture_output=True)\n"
_BOUNDED = r"""    try:
        done = subprocess.run(command, shell=True, capture_output=True, timeout=0.5)
    except subprocess.TimeoutExpired:
        return "The command ran for more than 0.5 seconds and was killed."
"""
_MAIN = r"""import os
import threading

from agent import Agent
from model import Model, say

# Whoever runs agents at night kills the one that hangs.
watchdog = threading.Timer(1.0, os._exit, (1,))
watchdog.daemon = True
watchdog.start()
Agent(Model(say("echo ready"), say("exec sleep 5"), say("done"))).run("wait for the server")
"""


class UnboundedCommand(Rule):
    code = "E101"
    name = "unbounded-command"
    keeps = Property.CLEANUP
    summary = "A command or request that a tool makes has no timeout."
    why = (
        "Models start servers, editors, pagers and endless loops. Without a timeout one such command holds the run "
        "until somebody kills it, and everything it had done so far is lost with it."
    )
    fix = "Give the call a timeout from the configuration, and turn its expiry into an observation."
    references = ("https://docs.python.org/3/library/subprocess.html#subprocess.run",)
    options = {"long-seconds": LONG_SECONDS}
    operator = "bound-execution"
    bad = harness(_AGENT, _MAIN, exit_code=1)
    good = edited(bad, "agent.py", (_FOR_EVER, _BOUNDED), exit_code=0)

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Commands of the model's choice, and requests of tools, that wait for ever."""
        for call in model_commands(model):
            if call.fact("no-timeout") and call.fact("waits"):
                yield _finding(
                    call,
                    f"`{call.value('call')}` runs a command that its caller chose and waits for it without a timeout.",
                    0.6,
                )
        driven = model_driven(model)
        for call in model.of_role(ElementRole.REQUEST):
            if call.fact("no-timeout") and is_driven(driven, call):
                yield _finding(
                    call, f"`{call.value('call')}` waits for a server without a timeout, inside a tool.", 0.5
                )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Tool steps that never ended, or took most of the run, in code that waits without a timeout."""
        for step in run.of_kind(StepKind.TOOL_CALL):
            if step.status is not Status.UNFINISHED and not _dominates(run, step, self.option("long-seconds")):
                continue
            call = _waiting_call(model, step)
            if call is None:
                continue
            if step.status is Status.UNFINISHED:
                words = f"{step.name} ({step.id}) never ended"
            else:
                words = f"{step.name} ({step.id}) took {step.seconds:,.0f} seconds, most of the run"
            words += f": `{call.value('call')}` at {call.anchor.place} waits without a timeout."
            yield _finding(call, words, 0.9 if step.status is Status.UNFINISHED else 0.75, step)


def _finding(call: Element, words: str, confidence: float, step: TraceStep | None = None) -> Finding:
    return Finding(
        message=words,
        anchors=[as_anchor(call, "the call without a timeout")],
        responsible_step=step.id if step else None,
        symptom_step=step.id if step else None,
        path=(step.id,) if step else (),
        confidence=confidence,
        severity=Severity.ERROR if step else Severity.WARNING,
        evidence=Evidence.OBSERVED if step else Evidence.DERIVED,
        parameters={"call": call.value("call"), "line": call.anchor.start_line},
        missing=() if step else ("a run in which the command does not end",),
    )


def _dominates(run: Htir, step: TraceStep, long: float) -> bool:
    whole = None
    if run.run.started_ns is not None and run.run.ended_ns is not None:
        whole = (run.run.ended_ns - run.run.started_ns) / 1e9
    return step.seconds is not None and whole is not None and step.seconds >= max(long, SHARE_OF_RUN * whole)


def _waiting_call(model: HarnessModel, step: TraceStep) -> Element | None:
    for anchor in step.anchors:
        for function in reachable(model, anchor):
            inside = model.in_function(
                function.anchor.path, function.anchor.qualname, ElementRole.SUBPROCESS, ElementRole.REQUEST
            )
            for call in inside:
                if call.fact("no-timeout") and (call.role is ElementRole.REQUEST or call.fact("waits")):
                    return call
    return None

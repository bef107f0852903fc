"""E103: a tool changes the working directory of the whole process."""

from collections import Counter
from collections.abc import Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import as_anchor, file_work, nearest_anchors, quote, reachable
from harnessfix.rules._reach import model_driven
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, Property, Route, StepKind

_AGENT = r'''import os
import subprocess
import tempfile


class Agent:
    def __init__(self, model):
        self.model = model
        self.folder = tempfile.gettempdir()
        self.tools = {"cd": self.change_folder, "bash": self.run_command}

    def change_folder(self, path):
        """Go to another folder."""
        os.chdir(os.path.join(self.folder, path))
        return "ok"

    def run_command(self, command):
        """Run a shell command."""
        done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=5)
        return f"exit {done.returncode}\n{done.stdout}"

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(5):
            reply = self.model.query(messages)
            messages.append(reply)
            if reply["content"] == "done":
                return
            name, _, argument = reply["content"].partition(" ")
            messages.append({"role": "user", "content": self.tools[name](argument)})
'''
_MAIN = r"""from agent import Agent
from model import Model, say

Agent(Model(say("cd ."), say("bash pwd"), say("done"))).run("where are we?")
"""


class SharedWorkspace(Rule):
    code = "E103"
    name = "shared-workspace"
    keeps = Property.ISOLATION
    summary = "A tool changes the working directory of the whole process."
    why = (
        "`os.chdir` moves every thread, every other agent and the harness itself: relative paths of logs, "
        "trajectories and of the next task then mean another place."
    )
    fix = "Keep the folder in the environment object and pass it as `cwd` to what is started."
    by_hand = "Every path that the tool and what it starts use would have to be made absolute, in other files too."
    references = ("https://docs.python.org/3/library/os.html#os.chdir",)
    operator = None
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        ("os.chdir(os.path.join(self.folder, path))", "self.folder = os.path.join(self.folder, path)"),
        ("shell=True, capture", "shell=True, cwd=self.folder, capture"),
    )

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Functions in reach of a model that move the process once: with two moves, the second may lead back."""
        moving = Counter(_callers_of_chdir(model))
        driven = model_driven(model) if moving else set()
        for caller, times in moving.items():
            function = model.function(*caller.split(":", 1))
            if times == 1 and caller in driven and function is not None:
                yield Finding(
                    message=f"A model can set {function.anchor.qualname} in motion, which moves the whole process to "
                    "another folder.",
                    anchors=[as_anchor(function, "changes the folder of the process")],
                    confidence=0.55,
                    evidence=Evidence.DERIVED,
                    missing=("a run that goes there",),
                )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Tool steps after which the process is in another folder than before."""
        spoken: set[str] = set()
        for step in run.of_kind(StepKind.TOOL_CALL) if any(map(_moves, file_work(run))) else ():
            moves = [
                effect.resource for inner in _inside(run, step) for effect in inner.effects if _moves(effect.detail)
            ]
            if len(moves) != 1:  # with two, the second leads back, as `contextlib.chdir` does
                continue
            call = _place(model, step)
            anchors: list[Anchor] = [as_anchor(call, "changes the folder of the process", Route.PROBE)] if call else []
            anchors += nearest_anchors(run, step)
            if not anchors or anchors[0].place in spoken:
                continue
            spoken.add(anchors[0].place)
            yield Finding(
                message=f"{step.name} ({step.id}) moved the whole process to {quote(moves[0], 80)} and left it there.",
                anchors=anchors,
                responsible_step=step.id,
                symptom_step=step.id,
                path=(step.id,),
                confidence=0.85,
            )


def _inside(run: Htir, step: TraceStep) -> list[TraceStep]:
    return [step, *(inner for inner in run.descendants(step.id) if inner.kind is not StepKind.TOOL_CALL)]


def _moves(detail: str) -> bool:
    return detail == "chdir"


def _callers_of_chdir(model: HarnessModel) -> list[str]:
    """`path:qualname` of the function around each call that moves the process, and not a child that it forked."""
    forks = (c for c in model.calls_named("fork", "forkpty") if c.callee in ("os.fork", "os.forkpty", "pty.fork"))
    forking = {call.caller for call in forks}
    calls = (c for c in model.calls_named("chdir", "fchdir") if c.callee in ("os.chdir", "os.fchdir"))
    return [call.caller for call in calls if call.caller not in forking]


def _place(model: HarnessModel, step: TraceStep) -> Element | None:
    """The function that calls `os.chdir`, among those that the step leads to."""
    moving = set(_callers_of_chdir(model))
    for anchor in step.anchors:
        for function in reachable(model, anchor):
            if function.anchor.symbol in moving:
                return function
    return None

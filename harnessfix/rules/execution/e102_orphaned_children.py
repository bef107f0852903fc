"""E102: a command's timeout kills the shell and leaves its children running."""

from collections.abc import Iterable

from harnessfix.rules._errors import short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import ancestors, as_anchor, events, names, quote
from harnessfix.rules._reach import model_commands, processes_of
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, Property, Severity, Status, StepKind

_AGENT = r'''import subprocess


def run_command(command):
    """Run a shell command, for half a second at most."""
    try:
        done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=0.5)
        return done.stdout
    except subprocess.TimeoutExpired:
        return "The command timed out."


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
_MAIN = r"""from agent import Agent
from model import Model, say

Agent(Model(say("sleep 3; echo served"), say("done"))).run("start the server")
"""
_GROUP = r'''import os
import signal
import subprocess


def run_command(command):
    """Run a shell command, for half a second at most."""
    process = subprocess.Popen(
        command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        return process.communicate(timeout=0.5)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return "The command timed out."
'''


class OrphanedChildren(Rule):
    code = "E102"
    name = "orphaned-children"
    keeps = Property.CLEANUP
    severity = Severity.ERROR
    summary = "A timeout kills the shell only; what the shell had started lives on."
    why = (
        "`subprocess` kills the process it started. A shell's children are not that process: they keep the port, the "
        "lock, the file and the processor, the next command fails for no visible reason, and the machine fills up."
    )
    fix = "Start the command in its own session or process group and kill the whole group when the time is up."
    references = (
        "https://github.com/SWE-agent/mini-swe-agent/pull/865",
        "https://docs.python.org/3/library/subprocess.html#subprocess.Popen.kill",
    )
    operator = "kill-process-group"
    on_failure = True
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", (_AGENT[: _AGENT.index("\n\nTOOLS")], _GROUP))

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Shell commands of the model's choice whose timeout reaches the shell only."""
        for call in model_commands(model):
            if call.fact("shell") and call.fact("timeout") and not _owns_group(call):
                yield Finding(
                    message=f"`{call.value('call')}` runs a shell with a timeout; when it expires, the shell is killed "
                    "and whatever the shell had started is not.",
                    anchors=[as_anchor(call, "kills the shell only")],
                    confidence=0.5,
                    severity=Severity.INFO,
                    evidence=Evidence.DERIVED,
                    parameters={"call": call.value("call"), "line": call.anchor.start_line},
                    missing=("a run in which a command times out",),
                )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Steps that ended by timeout or error while processes that they had started were alive."""
        for step in run.with_event("children_alive"):
            alive = events(step, "children_alive")
            if step.kind is StepKind.ERROR or _alive_further_in(run, step):
                continue
            cause = _cut_short(run, step)
            call = next((call for call in processes_of(model, step) if not _owns_group(call)), None)
            if cause is None or call is None:
                continue
            commands = [name for event in alive for name in names(event.attributes.get("commands"))]
            yield Finding(
                message=f"{step.name} ({step.id}) ended by {cause} and left {_count(commands)} running: "
                f"{quote(', '.join(commands), 90)}. `{call.value('call')}` at {call.anchor.place} starts no process "
                "group, so only the process it started itself was killed.",
                anchors=[as_anchor(call, "kills the process it started, not the children of that process")],
                responsible_step=step.id,
                symptom_step=step.id,
                path=(step.id,),
                confidence=0.95,
                quotes=tuple((f"{step.id} processes", quote(command)) for command in commands[:3]),
                parameters={"call": call.value("call"), "line": call.anchor.start_line},
            )


def _owns_group(call: Element) -> bool:
    return bool(call.fact("new-session") and call.fact("kills-group"))


def _count(commands: list[str]) -> str:
    return "a process" if len(commands) == 1 else f"{len(commands)} processes"


def _alive_further_in(run: Htir, step: TraceStep) -> bool:
    """Whether a step inside this one already had them: the innermost is the one to name."""
    return any(events(inner, "children_alive") for inner in run.descendants(step.id))


def _cut_short(run: Htir, step: TraceStep) -> str | None:
    """The exception that cut the step short, by name; None when it ended of itself."""
    for inner in (step, *run.descendants(step.id)):
        kind = short_type(inner.error)
        if "Timeout" in kind or "Cancelled" in kind or kind == "KeyboardInterrupt":
            return kind
    around = (step, *ancestors(run, step))
    tool = next((outer for outer in around if outer.kind is StepKind.TOOL_CALL), None)
    if tool is not None and tool.status is Status.ERROR and tool.error is not None:
        return short_type(tool.error)
    return None

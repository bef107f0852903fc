"""E107: a command that failed looks like one that succeeded."""

from collections.abc import Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import as_anchor, quote
from harnessfix.rules._reach import model_commands, processes_of
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity, Status, StepKind

_AGENT = r'''import subprocess


def run_command(command):
    """Run a shell command and return what it printed."""
    done = subprocess.run(command, shell=True, capture_output=True, text=True, errors="replace", timeout=5)
    return done.stdout


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

Agent(Model(say("cp missing.txt backup.txt"), say("done"))).run("make a backup")
"""


class ExitCodeIgnored(Rule):
    code = "E107"
    name = "exit-code-ignored"
    keeps = Property.HONESTY
    summary = "The exit status of a command is never read, and its error stream never shown."
    why = (
        "A command that fails without printing looks the same as one that succeeds: the model goes on as if the "
        "file were copied, the test passed, the patch applied."
    )
    fix = "Put the exit status into the observation, and the error stream with it."
    references = ("https://docs.python.org/3/library/subprocess.html#subprocess.CompletedProcess.returncode",)
    operator = "surface-failure"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad, "agent.py", ("return done.stdout", 'return f"exit {done.returncode}\\n{done.stdout}{done.stderr}"')
    )

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Commands of the model's choice whose output is used and whose exit status is not."""
        for call in model_commands(model):
            if _ignores(call):
                yield Finding(
                    message=f"`{call.value('call')}` passes on what a command printed and not how it ended.",
                    anchors=[as_anchor(call, "its exit status is not read")],
                    confidence=0.55,
                    severity=Severity.INFO,
                    evidence=Evidence.DERIVED,
                    parameters={"call": call.value("call"), "line": call.anchor.start_line},
                    missing=("a run in which a command fails without printing",),
                )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Tool steps that ran a command and answered nothing at all, in code that does not read the exit status."""
        if not any(map(_ignores, model.of_role(ElementRole.SUBPROCESS))):
            return
        spoken: set[str] = set()
        for step in run.of_kind(StepKind.TOOL_CALL):
            if step.status is not Status.OK or not step.output or run.output_text(step).strip():
                continue
            call = next((call for call in processes_of(model, step) if _ignores(call)), None)
            if call is None or call.id in spoken:
                continue
            spoken.add(call.id)
            asked = run.input_text(step)
            yield Finding(
                message=f"{step.name} ({step.id}) answered nothing at all for {quote(asked, 80)!r}: whether the "
                f"command failed cannot be seen, `{call.value('call')}` at {call.anchor.place} does not read its "
                "exit status.",
                anchors=[as_anchor(call, "its exit status is not read")],
                responsible_step=step.id,
                symptom_step=step.id,
                path=(step.id,),
                confidence=0.7,
                evidence=Evidence.DERIVED,
                quotes=((f"{step.id} input", quote(asked)),),
                parameters={"call": call.value("call"), "line": call.anchor.start_line},
            )


def _ignores(call: Element) -> bool:
    return bool(call.fact("output-used") and call.fact("waits") and not call.fact("checks-returncode"))

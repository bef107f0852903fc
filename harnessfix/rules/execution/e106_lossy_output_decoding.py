"""E106: output that is not UTF-8 ends the step, or the run."""

from collections.abc import Iterable

from harnessfix.rules._errors import escaped_to, raised
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import ancestors, as_anchor, nearest_anchors, quote, reachable
from harnessfix.rules._reach import model_commands
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity, StepKind

_AGENT = r'''import subprocess


def run_command(command):
    """Run a shell command and return what it printed."""
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=5)
    return f"exit {done.returncode}\n{done.stdout}"


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

Agent(Model(say(r"printf 'caf\351'"), say("done"))).run("what is in the file?")
"""


class LossyOutputDecoding(Rule):
    code = "E106"
    name = "lossy-output-decoding"
    keeps = Property.CONTAINMENT
    severity = Severity.ERROR
    summary = "Output of a command is decoded strictly: one byte that is not UTF-8 is an exception."
    why = (
        "Binary files, old encodings and cut multi-byte characters are daily fare in tool output. In text mode without "
        "`errors=` each of them raises `UnicodeDecodeError`, and the whole output is lost with it."
    )
    fix = 'Pass `encoding="utf-8", errors="replace"`.'
    references = (
        "https://docs.python.org/3/library/subprocess.html#frequently-used-arguments",
        "https://docs.python.org/3/library/codecs.html#error-handlers",
    )
    operator = "tolerant-decoding"
    clone = (ElementRole.SUBPROCESS, "text-without-errors")
    bad = harness(_AGENT, _MAIN, exit_code=1)
    good = edited(bad, "agent.py", ("text=True,", 'text=True, errors="replace",'), exit_code=0)

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Commands of the model's choice whose output is decoded strictly."""
        for call in model_commands(model):
            if call.fact("text-without-errors") and call.fact("output-used"):
                yield Finding(
                    message=f"`{call.value('call')}` decodes the output of a command that its caller chose, strictly.",
                    anchors=[as_anchor(call, "text mode without `errors=`")],
                    confidence=0.6,
                    severity=Severity.WARNING,
                    evidence=Evidence.DERIVED,
                    parameters={"call": call.value("call"), "line": call.anchor.start_line},
                    missing=("a run in which the output is not UTF-8",),
                )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Decode errors that a step inside the harness raised."""
        for error in raised(run, "UnicodeDecodeError"):
            call = _decoding_call(run, model, error)
            if call is None:
                continue
            ended = escaped_to(run, error)
            message = error.error.message if error.error is not None else ""
            words = f"Output could not be decoded ({quote(message, 90)}) in {error.id}"
            words += f", and that ended {ended.name} ({ended.id})." if ended else "; the whole output was lost."
            yield Finding(
                message=words,
                anchors=[as_anchor(call, "text mode without `errors=`"), *nearest_anchors(run, error)],
                responsible_step=error.parent or error.id,
                symptom_step=error.id,
                path=tuple(step for step in (error.parent, error.id) if step),
                confidence=0.95 if ended else 0.85,
                quotes=((f"{error.id} error", quote(message)),),
                parameters={"call": call.value("call"), "line": call.anchor.start_line},
            )


def _decoding_call(run: Htir, model: HarnessModel, error: TraceStep) -> Element | None:
    for step in (error, *ancestors(run, error)):
        for anchor in step.anchors:
            for function in reachable(model, anchor, depth=1):
                place = function.anchor
                for call in model.in_function(place.path, place.qualname, ElementRole.SUBPROCESS):
                    if call.fact("text-without-errors"):
                        return call
        if step.kind is StepKind.TOOL_CALL:
            break
    return None

"""O105: the record of the run is written at its end only, and the run did not get there."""

import re
from collections.abc import Iterable

from harnessfix.rules._errors import short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import own_anchors, own_elements, own_function
from harnessfix.rules._query import as_anchor, one_of_each, quote
from harnessfix.rules._signals import is_signal
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import CallEdge, Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, Evidence, Property, Severity, Status, StepKind

_SAVES = re.compile(
    r"^_?(save|dump|write|export|persist|store|flush)(_(to_)?(the_)?(traj|trajectory|log|logs|history|record|records|run|"
    r"result|results|state|messages|transcript|session|trace|disk|file|report))?$"
)

_AGENT = '''\
import json
import pathlib


class Agent:
    """Answers, and saves the conversation for whoever wants to know."""

    def __init__(self, model):
        self.model = model

    def save_history(self, messages):
        pathlib.Path("history.json").write_text(json.dumps(messages))

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(4):
            reply = self.model.query(messages)
            messages.append(reply)
            if reply["content"].startswith("DONE"):
                break
        self.save_history(messages)
        return messages[-1]["content"]
'''
_FINALLY = """\
        try:
            for _ in range(4):
                reply = self.model.query(messages)
                messages.append(reply)
                if reply["content"].startswith("DONE"):
                    break
        finally:
            self.save_history(messages)
        return messages[-1]["content"]
"""
_MAIN = """\
from agent import Agent
from model import Model, say


class Failing(Model):
    def query(self, messages, tools=None):
        if not self.replies:
            raise ConnectionError("the connection was closed")
        return self.replies.pop(0)


print(Agent(Failing(say("first"), say("second"))).run("Work."))
"""


class PartialRecordLost(Rule):
    code = "O105"
    name = "partial-record-lost"
    keeps = Property.CONSERVATION
    severity = Severity.WARNING
    summary = "The run failed before the line that saves its history, and nothing of it was written."
    why = (
        "The runs that one wants to look at are those that ended badly. If the history is saved after the loop "
        "only, those leave nothing: the turns before the failure were paid for and are gone."
    )
    fix = "Save in `finally`, or after each step, to a temporary file that is then renamed."
    references = (
        "https://github.com/SWE-agent/mini-swe-agent/issues/849",
        "https://docs.python.org/3/library/os.html#os.replace",
    )
    operator = "save-incrementally"
    bad = harness(_AGENT, _MAIN, exit_code=1)
    good = edited(bad, "agent.py", (_AGENT[_AGENT.index("        for _ in") :], _FINALLY))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Agent loops that ended badly before a saving call that follows them, in functions that wrote no file."""
        for step in run.steps:
            if step.kind is StepKind.ERROR or step.status is Status.OK or is_signal(step.error):
                continue
            function = own_function(model, step)
            loops = own_elements(model, step, ElementRole.AGENT_LOOP)
            save = _save_after(model, function, loops[-1]) if function is not None and loops else None
            turns = [s for s in run.descendants(step.id) if s.kind is StepKind.MODEL_CALL and s.status is Status.OK]
            if function is None or save is None or not turns or _wrote(run, step):
                continue
            why = f"ended with {short_type(step.error)}" if step.error is not None else "was ended from outside"
            yield Finding(
                f"{step.name} ({step.id}) {why} after {len(turns)} model turns; {save.callee} at line {save.line} "
                "comes after the loop and was not reached, so no record of them was written.",
                one_of_each([_place(function, save), as_anchor(function, "saves at its end only"), *own_anchors(step)]),
                responsible_step=step.id,
                symptom_step=step.id,
                path=[turns[-1].id, step.id],
                confidence=0.7 if step.error is not None else 0.6,
                evidence=Evidence.DERIVED,
                quotes=[(f"{step.id} error", quote(step.error.message))] if step.error is not None else (),
                parameters={"line": save.line, "call": save.callee},
                key=save.callee,
            )


def _save_after(model: HarnessModel, function: Element, loop: Element) -> CallEdge | None:
    """The first call after the loop, in its function, that is named like saving."""
    owner = function.anchor.symbol
    later = [c for c in model.calls_of(owner) if loop.anchor.end_line < c.line <= function.anchor.end_line]
    saving = [call for call in later if _SAVES.match(call.callee.rpartition(".")[2])]
    return min(saving, key=lambda call: call.line, default=None)


def _wrote(run: Htir, step: TraceStep) -> bool:
    """Whether the function wrote a file, itself or in what it called, other than through tools."""
    own = [step, *(s for s in run.descendants(step.id) if s.kind not in (StepKind.TOOL_CALL, StepKind.MODEL_CALL))]
    return any(effect.effect == "artifact" for s in own for effect in s.effects)


def _place(function: Element, save: CallEdge) -> Anchor:
    return Anchor(
        path=function.anchor.path,
        qualname=function.anchor.qualname,
        start_line=save.line,
        end_line=save.line,
        kind=AnchorKind.CALL,
        reason="is not reached when the loop fails",
    )

"""O103: the run ended where nothing could be written down any more, or spent its time where nothing is recorded."""

from collections.abc import Iterable, Iterator

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import own_anchors
from harnessfix.rules._query import as_anchor, function_of, one_of_each
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import CallEdge, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import AnchorKind, Evidence, Property, Severity, Status, StepKind

GAP_SECONDS = 30.0
GAP_SHARE = 0.4  # of the run
_HARD_EXITS = frozenset({"os._exit", "os.abort", "signal.raise_signal"})
_NAMES = frozenset(name.rpartition(".")[2] for name in _HARD_EXITS)

_AGENT = '''\
import os


class Agent:
    """Answers, and leaves no thread behind."""

    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(3):
            reply = self.model.query(messages)
            if reply["content"].startswith("DONE"):
                print(reply["content"], flush=True)
                os._exit(0)
            messages += [reply, {"role": "user", "content": "Go on."}]
        return None
'''
_MAIN = """\
from agent import Agent
from model import Model, say

Agent(Model(say("Working."), say("DONE"))).run("Say that you are done.")
"""


class UntracedGap(Rule):
    code = "O103"
    name = "untraced-gap"
    keeps = Property.EFFECT
    severity = Severity.WARNING
    summary = "The process left without flushing, or a large part of the run is in no span."
    why = (
        "`os._exit` ends the process at once: no `finally`, no `atexit`, no flush. Exporters that send in batches "
        "lose their last spans, which are the ones about how the run ended; results may lie half-written."
    )
    fix = (
        "Return or raise `SystemExit`, and flush trace and log providers on the way out (`force_flush`, "
        "`shutdown`). Where threads keep the process alive, end them or make them daemons."
    )
    references = (
        "https://docs.python.org/3/library/os.html#os._exit",
        "https://opentelemetry.io/docs/specs/otel/trace/sdk/#forceflush",
    )
    options = {"gap-seconds": GAP_SECONDS}
    operator = "exit-in-order"
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", ("                os._exit(0)\n", '                return reply["content"]\n'))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Steps without an end whose function leaves the process hard, and long stretches of time in no step."""
        yield from _hard_exits(run, model)
        yield from _gaps(run, self.option("gap-seconds"))


def _hard_exits(run: Htir, model: HarnessModel) -> Iterator[Finding]:
    exits: dict[str, CallEdge] = {
        call.caller: call for call in model.calls_named(*_NAMES) if call.callee in _HARD_EXITS
    }
    open_steps = [step for step in run.steps if step.status is Status.UNFINISHED]
    for step in reversed(open_steps) if exits else ():
        for anchor in own_anchors(step)[:1]:
            call = exits.get(anchor.symbol)
            if call is None:
                continue
            place = Anchor(
                path=anchor.path,
                qualname=anchor.qualname,
                start_line=call.line,
                end_line=call.line,
                kind=AnchorKind.CALL,
                reason="ends the process at once",
            )
            function = function_of(model, anchor)
            yield Finding(
                f"{step.name} ({step.id}) has no end: {call.callee} at {place.place} ended the process, and "
                f"{len(open_steps)} open steps were lost with it.",
                one_of_each([place, *([as_anchor(function, "leaves the process hard")] if function else [])]),
                responsible_step=step.id,
                symptom_step=step.id,
                path=[step.id],
                confidence=0.9,
                parameters={"line": call.line, "call": call.callee},
                key="hard-exit",
            )
            return


def _gaps(run: Htir, least: float) -> Iterator[Finding]:
    """Time between two steps of one parent in which nothing at all was recorded."""
    began, ended = run.run.started_ns, run.run.ended_ns
    whole = (ended - began) / 1e9 if began is not None and ended is not None else 0.0
    if whole < least:
        return
    for parent in run.of_kind(StepKind.TASK):
        seen: TraceStep | None = None
        until = 0
        for step in run.children(parent.id):
            start, end = step.started_ns, step.ended_ns
            if start is None or end is None:
                continue
            gap = (start - until) / 1e9 if seen is not None else 0.0
            if seen is not None and gap >= least and gap >= GAP_SHARE * whole:
                yield Finding(
                    f"{gap:.0f} of {whole:.0f} seconds passed in {parent.name} ({parent.id}) between {seen.id} and "
                    f"{step.id}, and no step says what was done.",
                    one_of_each(own_anchors(parent)),
                    responsible_step=seen.id,
                    symptom_step=step.id,
                    path=[seen.id, step.id],
                    confidence=0.4,
                    severity=Severity.INFO,
                    evidence=Evidence.DERIVED,
                    key="gap",
                    operator="",
                )
            if end > until:
                seen, until = step, end

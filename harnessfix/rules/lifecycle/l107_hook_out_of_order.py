"""L107: a hook that belongs at the end is not called when the work fails."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harnessfix.rules._errors import frames_of, short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import own_anchors, own_function
from harnessfix.rules._query import as_anchor, one_of_each, quote
from harnessfix.rules._signals import is_signal
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity, StepKind

_PHASE = re.compile(
    r"(^|_)(start(ed)?|begin|before|enter|pre|open|setup|end(ed)?|finish(ed)?|after|exit|post|close|teardown)(?=_|$)"
)
_FAILURE = re.compile(r"error|fail|exception|abort|cancel")

_AGENT = '''\
class Agent:
    """Tells its hooks when a run begins and when it is over."""

    def __init__(self, model, hooks):
        self.model = model
        self.hooks = hooks

    def run(self, task):
        self.hooks.on_run_start(task)
        messages = [{"role": "user", "content": task}]
        answer = None
        for _ in range(4):
            reply = self.model.query(messages)
            messages.append(reply)
            if reply["content"].startswith("DONE"):
                answer = reply["content"]
                break
        self.hooks.on_run_end(answer)
        return answer
'''
_FINALLY = """\
        try:
            for _ in range(4):
                reply = self.model.query(messages)
                messages.append(reply)
                if reply["content"].startswith("DONE"):
                    answer = reply["content"]
                    break
        finally:
            self.hooks.on_run_end(answer)
        return answer
"""
_MAIN = """\
from agent import Agent
from model import Model, say


class Hooks:
    def on_run_start(self, task):
        print("began:", task)

    def on_run_end(self, answer):
        print("ended:", answer)


class Failing(Model):
    def query(self, messages, tools=None):
        if not self.replies:
            raise ConnectionError("the connection was closed")
        return self.replies.pop(0)


Agent(Failing(say("Working.")), Hooks()).run("Work.")
"""


@dataclass(frozen=True)
class _Pair:
    """Hooks of one function: one at the beginning, the one at the end, and the line an exception passed in between."""

    start: Element
    end: Element
    line: int


class HookOutOfOrder(Rule):
    code = "L107"
    name = "hook-out-of-order"
    keeps = Property.ORDER
    severity = Severity.WARNING
    summary = "A start hook was called, the work failed, and its end hook never was."
    why = (
        "Whoever listens (a trace, a bill, a lock, a progress display) is left with something open for ever, and "
        "counts only the runs that went well: the failed ones, which matter most, are missing."
    )
    fix = "Call the end hook in `finally`, or an error hook in `except`, so that every start has one end."
    references = (
        "https://github.com/google/adk-python/issues/5044",
        "https://github.com/NousResearch/hermes-agent/issues/113057",
    )
    operator = "order-hooks"
    bad = harness(_AGENT, _MAIN, exit_code=1)
    good = edited(bad, "agent.py", (_AGENT[_AGENT.index("        for _ in") :], _FINALLY))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Functions that an exception left between their start hook and their end hook."""
        hooks = _by_function(model)
        seen: set[str] = set()
        for step in run.steps if hooks else ():
            if step.kind is StepKind.ERROR or step.error is None or is_signal(step.error):
                continue
            function = own_function(model, step)
            pair = _left_open(step, function, hooks) if function is not None else None
            if function is None or pair is None or pair.end.id in seen:
                continue
            seen.add(pair.end.id)
            yield Finding(
                f"{step.name} ({step.id}) called {pair.start.value('call')} at line {pair.start.anchor.start_line}; "
                f"{short_type(step.error)} left it at line {pair.line}, and {pair.end.value('call')} at line "
                f"{pair.end.anchor.start_line} was never reached.",
                one_of_each([as_anchor(pair.end, "is skipped when the work fails"), *own_anchors(step)[:1]]),
                responsible_step=step.id,
                symptom_step=step.id,
                path=[step.id],
                confidence=0.8 if re.match(r"(on|before|after)_", str(pair.end.value("name"))) else 0.6,
                evidence=Evidence.DERIVED,
                quotes=[(f"{step.id} error", quote(step.error.message))],
                parameters={"hook": str(pair.end.value("name")), "line": pair.end.anchor.start_line},
                key=str(pair.end.value("call")),
            )


def _by_function(model: HarnessModel) -> dict[tuple[str, str], list[Element]]:
    found: dict[tuple[str, str], list[Element]] = {}
    for hook in model.of_role(ElementRole.HOOK):
        found.setdefault((hook.anchor.path, hook.anchor.qualname), []).append(hook)
    return found


def _left_open(step: TraceStep, function: Element, hooks: dict[tuple[str, str], list[Element]]) -> _Pair | None:
    own = hooks.get((function.anchor.path, function.anchor.qualname), [])
    if any(_FAILURE.search(str(hook.value("name"))) or hook.fact("in-finally") for hook in own):
        return None
    line = _passed(step, function)
    for start, end in _pairs(own):
        if line is not None and start.anchor.end_line < line < end.anchor.start_line:
            return _Pair(start, end, line)
    return None


def _pairs(hooks: list[Element]) -> Iterator[tuple[Element, Element]]:
    """Start and end hooks whose names differ in nothing else."""
    for start in hooks:
        for end in hooks:
            if start.value("phase") == "start" and end.value("phase") == "end" and _stem(start) == _stem(end):
                yield start, end


def _stem(hook: Element) -> str:
    return _PHASE.sub("", str(hook.value("name")).lower())


def _passed(step: TraceStep, function: Element) -> int | None:
    """The line of the function that the exception came through."""
    own = function.anchor.path, function.anchor.qualname
    passed = (f.line for f in frames_of(step) if (f.path, f.function) == own and f.line is not None)
    return next(passed, None)

"""L105: a retry that nothing ends."""

from collections.abc import Iterable, Set

from harnessfix.rules._attempts import attempts, retry_around
from harnessfix.rules._errors import handlings, short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import own_anchors, own_elements
from harnessfix.rules._query import as_anchor, asks_person, has_role, names, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Property, Severity, StepKind

MANY = 5  # attempts at one call that show a retry without an end for what it is

_AGENT = '''\
import time


class FlakyModel:
    """Stands in for a provider that is overloaded for a while."""

    def __init__(self, failures):
        self.failures = failures

    def complete(self, messages):
        self.failures -= 1
        if self.failures >= 0:
            raise ConnectionError("503: overloaded")
        return {"role": "assistant", "content": "hello"}

    def query(self, messages):
        while True:
            try:
                return self.complete(messages)
            except ConnectionError as error:
                print(f"failed: {error}")
                time.sleep(0.001)


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        return self.model.query([{"role": "user", "content": task}])["content"]
'''
_BOUNDED = """\
        for attempt in range(12):
            try:
                return self.complete(messages)
            except ConnectionError as error:
                if attempt == 11:
                    raise
                print(f"failed: {error}")
"""
_MAIN = """\
from agent import Agent, FlakyModel

print(Agent(FlakyModel(failures=6)).run("Say hello."))
"""


class UnboundedRetry(Rule):
    code = "L105"
    name = "unbounded-retry"
    keeps = Property.ACCOUNTING
    severity = Severity.WARNING
    summary = "A failing call is repeated without a limit on attempts or time."
    why = (
        "When the service stays down the run never ends: it neither fails nor reports, and in a batch it holds "
        "its place for ever. `@retry` of tenacity without `stop` does this by default."
    )
    fix = "Stop after a number of attempts or a time, then raise the last error; wait longer from attempt to attempt."
    references = (
        "https://tenacity.readthedocs.io/en/latest/#stopping",
        "https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/",
    )
    operator = "classify-retry"
    clone = (ElementRole.RETRY, "no-stop")
    on_failure = True
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            "        while True:\n            try:\n                return self.complete(messages)\n"
            '            except ConnectionError as error:\n                print(f"failed: {error}")\n',
            _BOUNDED,
        ),
    )

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Retries of a model call or request that have no stop."""
        for retry in model.of_role(ElementRole.RETRY):
            if retry.fact("no-stop") is not None and (what := _retried(model, retry)):
                yield Finding(
                    f"{what} is tried again for ever when it keeps failing: this retry has no stop.",
                    [as_anchor(retry, "the retry without a stop")],
                    confidence=0.7,
                    parameters=_parameters(retry),
                    key="no-stop",
                    missing=("a run in which the call keeps failing",),
                )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Calls that a retry without a stop made many times, as steps of their own or inside one."""
        spoken: set[str] = set()
        for group in attempts(run):
            retry = retry_around(run, model, group.steps[0])
            if retry is None or retry.fact("no-stop") is None or len(group.failed) < MANY:
                continue
            spoken.add(retry.id)
            first, last = group.steps[0], group.steps[-1]
            yield Finding(
                f"{first.name} failed {len(group.failed)} times in a row ({first.id} to {group.failed[-1].id}) and was "
                "tried again each time; the retry has no stop.",
                one_of_each([as_anchor(retry, "the retry without a stop"), *own_anchors(first)[:1]]),
                responsible_step=group.steps[1].id,
                symptom_step=last.id,
                path=[step.id for step in group.steps],
                confidence=0.95,
                quotes=[
                    (f"{step.id} error", quote(f"{short_type(step.error)}: {step.error.message}"))
                    for step in group.failed[-1:]
                    if step.error
                ],
                parameters=_parameters(retry),
                key="no-stop",
            )
        yield from self._inside_one_step(run, model, spoken)

    def _inside_one_step(self, run: Htir, model: HarnessModel, spoken: Set[str]) -> Iterable[Finding]:
        """Steps whose own function holds such a retry, and met the same sort of exception in it many times."""
        met: dict[str, dict[str, tuple[TraceStep, TraceStep]]] = {}
        raised = ((step, step) for step in run.of_kind(StepKind.ERROR))
        for error, at in (*raised, *handlings(run)):  # also what arose further in and was taken here
            if error.error is not None and at.parent is not None:
                met.setdefault(at.parent, {})[error.id] = error, at
        for step_id, found in met.items():
            step = run.step(step_id)
            retries = (e for e in own_elements(model, step, ElementRole.RETRY) if e.value("library") == "loop")
            retry = next((e for e in retries if e.fact("no-stop") is not None), None)
            if retry is None:
                continue
            errors = [error for error, at in found.values() if _stands_in(retry, at)]
            errors.sort(key=lambda error: run.place(error.id))
            same = [error for error in errors if short_type(error.error) == short_type(errors[-1].error)]
            if len(same) < MANY or retry.id in spoken:
                continue
            yield Finding(
                f"{step.name} ({step.id}) met {short_type(same[0].error)} {len(same)} times ({same[0].id} to "
                f"{same[-1].id}) and tried again each time; the retry has no stop.",
                one_of_each([as_anchor(retry, "the retry without a stop"), *own_anchors(step)[:1]]),
                responsible_step=step.id,
                symptom_step=same[-1].id,
                path=(step.id, same[-1].id),
                confidence=0.9,
                parameters=_parameters(retry),
                key="no-stop",
            )


def _stands_in(retry: Element, at: TraceStep) -> bool:
    """Whether an exception was met, or taken, in the lines of the retry; one of no known line may have been."""
    lines = range(retry.anchor.start_line, retry.anchor.end_line + 1)
    return not at.anchors or at.anchors[0].path != retry.anchor.path or at.anchors[0].start_line in lines


def _retried(model: HarnessModel, retry: Element) -> str:
    """What a retry repeats, if that is a model call, a tool or a request; empty otherwise."""
    if retry.value("library") != "loop":
        decorated = names(retry.value("decorates"))
        found = [e for q in decorated for e in model.in_function(retry.anchor.path, q, *_OUTSIDE)]
        return decorated[0] if found else ""
    if asks_person(model, retry):
        return ""  # it ends when the person leaves
    around = model.function(retry.anchor.path, retry.anchor.qualname)
    if around is not None and has_role(around, *_ASKING):
        return around.name
    asks = {e.anchor.qualname.rpartition(".")[2] for e in model.of_role(*_OUTSIDE)}
    lines = range(retry.anchor.start_line, retry.anchor.end_line + 1)
    calls = (call.callee for call in model.calls_of(retry.anchor.symbol) if call.line in lines)
    return next((callee for callee in calls if callee.rpartition(".")[2] in asks), "")


_OUTSIDE = (ElementRole.MODEL_CALL, ElementRole.TOOL, ElementRole.REQUEST)
_ASKING = (ElementRole.MODEL_CALL, ElementRole.REQUEST)
"""Roles of a function all of whose work is one call of something outside."""


def _parameters(retry: Element) -> dict[str, str]:
    return {"library": str(retry.value("library") or ""), "decorates": str(retry.value("decorates") or "")}

"""O101: an exception was caught and nothing is left of it."""

import re
from collections.abc import Iterable, Iterator

from harnessfix.rules._errors import handler_element, handlings, same_error, short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import own_anchors
from harnessfix.rules._query import ancestors, as_anchor, names, one_of_each, quote
from harnessfix.rules._signals import error_of, is_signal
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import ErrorInfo, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Property, Severity, StepKind

# What programs raise and catch in passing: a default is the usual and right answer to it.
EXPECTED = frozenset(
    {
        "AttributeError",
        "BrokenPipeError",
        "ClosedResourceError",
        "Empty",
        "FileExistsError",
        "FileNotFoundError",
        "ImportError",
        "IndexError",
        "KeyError",
        "LookupError",
        "ModuleNotFoundError",
        "NotADirectoryError",
        "NotImplementedError",
        "PackageNotFoundError",
        "ProcessLookupError",
        "QueueEmpty",
        "TypeError",
        "ValueError",
        "UnicodeDecodeError",
        "UnicodeEncodeError",
        "ZeroDivisionError",
    }
)
_WORK = (
    StepKind.MODEL_CALL,
    StepKind.TOOL_CALL,
    StepKind.RETRIEVAL,
    StepKind.MEMORY,
    StepKind.HANDOFF,
    StepKind.VERIFY,
)
_BEST_EFFORT = re.compile(
    r"(^|[._])(a?close|shutdown|kill|killpg|terminate|unlink|remove|rmtree|rmdir|flush|disconnect|dispose|clean_?up|"
    r"teardown|cancel|release|stop|print|emit|notify|telemetry|display|__exit__|__aexit__|__del__|atexit|progress)([._]|$)"
)

_AGENT = '''\
import json
import logging


class Agent:
    """Asks one model for a plan and another one for the answer."""

    def __init__(self, planner, model):
        self.planner = planner
        self.model = model

    def plan(self, task):
        try:
            reply = self.planner.query([{"role": "user", "content": f"List the steps for: {task}"}])
            return json.loads(reply["content"])
        except Exception:
            return []

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for step in self.plan(task):
            messages.append({"role": "user", "content": f"Do: {step}"})
        reply = self.model.query(messages)
        return reply["content"]
'''
_MAIN = """\
from agent import Agent
from model import Model, say


class Down(Model):
    def query(self, messages, tools=None):
        raise ConnectionError("the planner does not answer")


print(Agent(Down(), Model(say("done"))).run("Move the files."))
"""


class SwallowedException(Rule):
    code = "O101"
    name = "swallowed-exception"
    keeps = Property.HONESTY
    severity = Severity.WARNING
    summary = "A failure is caught, nothing is recorded, and a made-up result takes its place."
    why = (
        "The run goes on with an empty plan, an empty list or `None` as if that had been the answer. Nobody can "
        "see that a call failed: not the model, not the log, not the trace. The wrong result is then blamed on "
        "the model."
    )
    fix = (
        "Catch what is expected and no more; log the exception or put its text into what the model sees; keep the "
        "default only if the rest of the run can tell it from a real result."
    )
    references = (
        "https://docs.astral.sh/ruff/rules/try-except-pass/",
        "https://github.com/openai/openai-agents-python/issues/3863",
    )
    operator = "record-exception"
    yields_to = ("T102", "T103")
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            "except Exception:\n            return []",
            'except Exception:\n            logging.exception("no plan")\n            return []',
        ),
    )

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Broad clauses around a model call that leave nothing of the error."""
        asks = {element.anchor.qualname.rpartition(".")[2] for element in model.of_role(ElementRole.MODEL_CALL)}
        for handler in model.of_role(ElementRole.HANDLER):
            called = [call for call in names(handler.value("try-calls")) if call.rpartition(".")[2] in asks]
            if not called or handler.fact("broad") is None or not _replaces(handler) or _tolerated(handler, model):
                continue
            yield Finding(
                f"If {called[0]} fails, this clause {_does(handler)} and nothing is left of the error.",
                [as_anchor(handler, "swallows what it catches")],
                confidence=0.5,
                severity=Severity.INFO,
                key=f"{handler.name}{_number(handler)}",
                missing=("a run in which the call fails",),
            )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Clauses that were entered and left nothing of what they caught."""
        for origin, entered in handlings(run):
            handler = handler_element(model, entered)
            error = error_of(run, entered)
            if handler is None or error is None or not _replaces(handler) or _tolerated(handler, model):
                continue
            work = _failed_work(run, origin, entered, error)
            if is_signal(error) or not (work or _unexpected(entered, error, handler)):
                continue
            yield _finding(origin, entered, work, handler, error)


def _finding(
    origin: TraceStep, entered: TraceStep, work: TraceStep | None, handler: Element, caught: ErrorInfo
) -> Finding:
    error = short_type(caught)
    what = f"{work.name} ({work.id}) failed with {error}" if work is not None else f"{error} was raised"
    path = [step.id for step in (work, origin, entered) if step is not None]
    return Finding(
        f"{what}; the clause at {entered.id} caught it, recorded nothing and {_did(handler)}.",
        one_of_each([as_anchor(handler, "swallows what it catches"), *own_anchors(origin)[:1]]),
        responsible_step=entered.id,
        symptom_step=entered.parent,
        path=list(dict.fromkeys([*path, *([entered.parent] if entered.parent else [])])),
        confidence=(0.9 if work is not None else 0.7) - (0 if handler.fact("broad") else 0.15),
        quotes=[(f"{entered.id} error", quote(caught.message))],
        key=f"{handler.name}{_number(handler)}",
    )


def _replaces(handler: Element) -> bool:
    """Whether the clause leaves nothing of the exception, and something made up goes on in its place."""
    silent = handler.fact("swallows") is not None and handler.fact("returns-message") is None
    return silent and any(handler.fact(f) for f in ("returns-constant", "passes", "continues", "breaks"))


def _tolerated(handler: Element, model: HarnessModel) -> bool:
    """Whether another rule, or nobody, is to speak of the clause: tools, retries, cleaning up, showing."""
    if handler.fact("tool-call-inside") is not None:
        return True
    inside = model.at(handler.anchor.path, handler.anchor.start_line)
    if any(element.role is ElementRole.RETRY for element in inside):
        return True
    calls = names(handler.value("try-calls"))
    best_effort = [call for call in calls if _BEST_EFFORT.search(call)]
    return bool(_BEST_EFFORT.search(handler.anchor.qualname)) or (bool(calls) and 2 * len(best_effort) >= len(calls))


def _unexpected(entered: TraceStep, error: ErrorInfo, handler: Element) -> bool:
    return handler.fact("broad") is not None and short_type(error) not in EXPECTED and entered.parent is not None


def _failed_work(run: Htir, origin: TraceStep, entered: TraceStep, error: ErrorInfo) -> TraceStep | None:
    """The outermost call of a model, tool or memory that the exception ended on its way to the clause."""
    failed = [step for step in _inside(run, origin, entered) if same_error(error, step.error)]
    return next((step for step in reversed(failed) if step.kind in _WORK), None)


def _inside(run: Htir, origin: TraceStep, entered: TraceStep) -> Iterator[TraceStep]:
    for step in ancestors(run, origin):
        if step.id == entered.parent:
            return
        yield step


def _does(handler: Element) -> str:
    constant = handler.value("returns-constant")
    if constant is not None:
        return f"returns {constant}"
    return next((verb for verb in ("passes", "continues", "breaks") if handler.fact(verb)), "goes on")


def _did(handler: Element) -> str:
    constant = handler.value("returns-constant")
    if constant is not None:
        return f"returned {constant}"
    past = {"passes": "went on", "continues": "went on to the next round", "breaks": "left the loop"}
    return next((words for verb, words in past.items() if handler.fact(verb)), "went on")


def _number(handler: Element) -> str:
    """Tells clauses of one type in one function apart, as their ids do."""
    _, mark, number = handler.id.rpartition("#")
    return f"#{number}" if mark else ""

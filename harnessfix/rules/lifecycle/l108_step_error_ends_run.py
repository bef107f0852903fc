"""L108: one tool failed, and with it the whole run."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from harnessfix.rules._calls import malformed
from harnessfix.rules._errors import escaped_to, handler_element, handlings, raised, same_error, short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import callers_of, loop_around, own_anchors
from harnessfix.rules._query import ancestors, as_anchor, events, function_of, names, one_of_each, quote
from harnessfix.rules._shows import showing_function
from harnessfix.rules._signals import error_of, is_same, is_signal
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import ErrorInfo, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Property, Severity, StepKind

# Errors that no next turn can do anything about.
_FATAL = frozenset(
    {"MemoryError", "RecursionError", "ImportError", "ModuleNotFoundError", "SyntaxError", "AssertionError"}
)
# Errors that are to end a run, by their names.
_MEANT = re.compile(
    r"Budget|Limit|Quota|Exceed|Max[A-Z]|Stop|Exit|Abort|Cancel|Interrupt|Permission|Denied|Refus|Terminat"
)
_OF_OTHER_RULES = frozenset({"UnicodeDecodeError"})

_AGENT = '''\
import json
import pathlib


def read_file(path):
    """Read a text file."""
    return pathlib.Path(path).read_text()


TOOLS = {"read_file": read_file}


class Agent:
    """Reads files for its model."""

    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(6):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for wanted in reply["tool_calls"]:
                arguments = json.loads(wanted["function"]["arguments"])
                result = TOOLS[wanted['function']['name']](**arguments)
                messages.append({"role": "tool", "tool_call_id": wanted["id"], "content": result})
        return None
'''
_CONTAINED = """\
                try:
                    result = TOOLS[wanted['function']['name']](**arguments)
                except OSError as error:
                    result = f"error: {error}"
"""
_MAIN = """\
from agent import Agent
from model import Model, call, say

first, second = call("read_file", {"path": "main.py"}), call("read_file", {"path": "notes.txt"})
print(Agent(Model(first, second, say("There are no notes."))).run("Sum up the notes."))
"""


class StepErrorEndsRun(Rule):
    code = "L108"
    name = "step-error-ends-run"
    keeps = Property.CONTAINMENT
    severity = Severity.ERROR
    summary = "An error in one tool call leaves the agent loop and ends the run."
    why = (
        "A missing file, a refused connection or a bad argument is news for the model, which would have tried "
        "something else. Instead all work so far is lost, and the run is counted as a crash of the harness, which "
        "it is."
    )
    fix = (
        "Catch what a tool raises where it is called, give the model its type and message as the result of that "
        "call, and bound how many failures in a row are tolerated."
    )
    references = (
        "https://arxiv.org/abs/2606.06324",
        "https://modelcontextprotocol.io/specification/2025-06-18/server/tools#error-handling",
    )
    operator = "contain-step-error"
    yields_to = ("E106", "L111")
    bad = harness(_AGENT, _MAIN, exit_code=1)
    good = edited(
        bad,
        "agent.py",
        ("                result = TOOLS[wanted['function']['name']](**arguments)\n", _CONTAINED),
        exit_code=0,
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Exceptions raised inside a tool call that nothing contained before the run was over."""
        seen: set[str] = set()
        for origin in raised(run):
            tool = _failed_tool(run, origin)
            if tool is None or tool.id in seen or not _concerns(run, origin.error):
                continue
            outermost = escaped_to(run, origin)
            if outermost is None or outermost is tool or not _asked_before(run, tool):
                continue
            if showing_function(run, model, origin) is not None:
                continue  # no tool raised it: O109 speaks of it
            seen.add(tool.id)
            yield _finding(run, model, origin, tool, outermost)
        if not seen:
            yield from _raised_again(run, model)


def _raised_again(run: Htir, model: HarnessModel) -> Iterator[Finding]:
    """What went wrong after a reply, where a clause in the agent loop took it and did nothing but raise it again."""
    asked = tuple(run.of_kind(StepKind.MODEL_CALL))
    failed = [step.error for step in asked if step.error is not None]
    for origin, entered in handlings(run) if asked else ():
        handler = handler_element(model, entered)
        if handler is None or not handler.fact("in-loop") or not handler.fact("reraises"):
            continue
        if any(handler.fact(deed) for deed in ("logs", "uses-exception", "raises")) or _is_let_through(model, handler):
            continue
        error = error_of(run, entered)
        if error is None or not _concerns(run, error) or _MEANT.search(short_type(error)):
            continue
        if run.place(origin.id) < run.place(asked[0].id) or any(
            same_error(error, other) or same_error(other, error) for other in failed
        ):
            continue  # a request that failed is nothing that an answer to the model could mend
        ended = escaped_to(run, origin)
        if ended is None:
            continue
        yield Finding(
            f"{short_type(error)} ({origin.id}) came to the clause at {handler.anchor.place} in the agent loop, which "
            f"only raised it again: it ended {ended.name} ({ended.id}), and the model never saw it.",
            one_of_each([as_anchor(handler, "takes the error and only raises it again"), *origin.anchors[:1]]),
            responsible_step=entered.parent or entered.id,
            symptom_step=ended.id,
            path=list(dict.fromkeys((origin.id, entered.id, ended.id))),
            confidence=0.8,
            quotes=[(f"{origin.id} error", quote(f"{short_type(error)}: {error.message}"))],
            key="contain",
        )
        return


def _concerns(run: Htir, error: ErrorInfo | None) -> bool:
    """Whether a next turn could do something about it, and no other rule speaks of it."""
    kind = short_type(error)
    if is_signal(error) or kind in _FATAL | _OF_OTHER_RULES:
        return False
    return not (kind == "JSONDecodeError" and malformed(run))  # the tool had not begun


def _is_let_through(model: HarnessModel, handler: Element) -> bool:
    """Whether a clause behind it takes everything else: then it lets something pass on purpose."""
    anchor, tried = handler.anchor, handler.value("try-calls")
    beside = model.in_function(anchor.path, anchor.qualname, ElementRole.HANDLER)
    behind = (other for other in beside if other.anchor.start_line > anchor.start_line)
    return any(other.value("try-calls") == tried and not other.fact("reraises") for other in behind)


def _failed_tool(run: Htir, origin: TraceStep) -> TraceStep | None:
    """The innermost tool call that the exception ended."""
    for step in ancestors(run, origin):
        if not same_error(step.error, origin.error):
            return None
        if step.kind is StepKind.TOOL_CALL:
            return step
    return None


def _only_wraps(function: Element) -> bool:
    """Whether a function is what a decorator puts around others: it knows nothing of what it calls."""
    return any(name.endswith("wraps") for name in names(function.value("decorators")))


def _translator(run: Htir, model: HarnessModel, origin: TraceStep, tool: TraceStep) -> Element | None:
    """The function whose clause caught what the tool raised and made of it the exception that ended the run.

    What happened inside the tool is its own affair.
    """
    for _, entered in handlings(run):
        handler, caught = handler_element(model, entered), error_of(run, entered)
        if handler is None or handler.fact("raises") is None:
            continue
        if any(outer is tool for outer in ancestors(run, entered)):
            continue
        if same_error(caught, origin.error) or (not is_same(caught, origin.error) and same_error(origin.error, caught)):
            return function_of(model, handler.anchor)
    return None


def _asked_before(run: Htir, failed: TraceStep) -> bool:
    """Whether a model had been asked before: only then is there somebody to tell."""
    for step in run.steps:
        if step is failed:
            return False
        if step.kind is StepKind.MODEL_CALL:
            return True
    return False


def _holds(function: Element, loop: Element) -> bool:
    """Whether the loop stands in that function itself."""
    return (function.anchor.path, function.anchor.qualname) == (loop.anchor.path, loop.anchor.qualname)


def _ran(step: TraceStep, function: Element) -> bool:
    """Whether the step is a call of that function."""
    own = own_anchors(step)[:1]
    return any((a.path, a.qualname) == (function.anchor.path, function.anchor.qualname) for a in own)


def _in_hand(run: Htir, function: Element, source: TraceStep, entered: TraceStep, tool: TraceStep) -> bool:
    """Whether a clause of that function had in hand what a tool failed with."""
    return (
        _ran(entered, function) and run.place(source.id) >= run.place(tool.id) and same_error(tool.error, source.error)
    )


def _finding(run: Htir, model: HarnessModel, origin: TraceStep, tool: TraceStep, outermost: TraceStep) -> Finding:
    way = list(ancestors(run, tool))
    loop = loop_around(run, model, tool)
    left = next((e for step in way for e in events(step, "loop_ended") if e.attributes.get("why") == "exception"), None)
    round_ = f" in round {left.attributes['n']}" if left is not None and "n" in left.attributes else ""
    caller = next((step for step in way if step.anchors), None)
    anchors = [*(own_anchors(caller)[:1] if caller is not None else ()), *own_anchors(tool)[:1], *origin.anchors[:1]]
    if loop is not None:
        anchors.insert(0, as_anchor(loop, "the loop that the error left"))
    between = next((function for function in callers_of(model, tool) if not _only_wraps(function)), None)
    responsible = tool
    if between is not None and (loop is None or not _holds(between, loop)):
        # The tool was right to raise; what went wrong is that the function around it let the error through.
        calls = (step for step in way if _ran(step, between))
        clauses = (entered for source, entered in handlings(run) if _in_hand(run, between, source, entered, tool))
        responsible = next(chain(calls, clauses), tool)
        anchors.insert(0, as_anchor(between, "it calls the tool, and contains nothing"))
    worse = _translator(run, model, origin, tool)
    if worse is not None and not _ran(tool, worse):  # what a tool makes of its own failures is its way to fail
        anchors.insert(0, as_anchor(worse, "had the error in hand and raised another one instead"))
    message = origin.error.message if origin.error is not None else ""
    return Finding(
        f"{short_type(origin.error)} in the tool {tool.name} ({tool.id}) left the agent loop{round_} and ended "
        f"{outermost.name} ({outermost.id}); the model never saw it.",
        one_of_each(anchors),
        responsible_step=responsible.id,
        symptom_step=outermost.id,
        path=list(dict.fromkeys([origin.id, tool.id, *(step.id for step in way if step.error is not None)])),
        confidence=0.85 if loop is not None else 0.7,
        quotes=[(f"{tool.id} error", quote(f"{short_type(origin.error)}: {message}"))],
        parameters={"tool": tool.name},
        key="contain",
    )

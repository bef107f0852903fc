"""L114: a legal reply of the model or its server broke the harness."""

import re
from collections.abc import Iterable, Sequence

from harnessfix.rules._calls import argument_flaw, asked_in
from harnessfix.rules._errors import SLIPS, escaped_to, frames_of, raised, short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._layers import layer_in
from harnessfix.rules._own import tool_call_around
from harnessfix.rules._query import ancestors, as_anchor, events, function_of, one_of_each, quote, requests, wordings
from harnessfix.rules._shows import showing_function
from harnessfix.rules._unwritable import maker_of
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import ErrorInfo, TraceStep
from harnessfix_ir.vocabulary import Property, Severity, StepKind

# What Python raises when a value has not the shape that the code took for granted.
MOST_FRAMES = 6
LEAST_WORDED = 10  # characters of a message by which the function that words it is known
# What it raises for a value of the right shape that means nothing to the code; a harness also raises these itself, on
# purpose, for what it refuses.
_CONTENT = frozenset({"ValueError", "ValidationError", "ZeroDivisionError", "RecursionError", "OverflowError"})
_NO_NUMBER = re.compile(r"unsupported operand type\(s\) for [-+*/]=?: .*'NoneType'")
_UNBOUND = re.compile(r"local variable '(\w+)'")

_AGENT = '''\
class Agent:
    """Answers in one call and keeps count of the tokens."""

    def __init__(self, model):
        self.model = model
        self.tokens = 0

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(3):
            reply = self.model.query(messages)
            self.tokens += reply["usage"]["total_tokens"]
            messages.append({"role": "assistant", "content": reply["content"]})
            if reply["content"].endswith("."):
                return reply["content"]
        return None
'''
_MAIN = """\
from agent import Agent
from model import Model

first = {"role": "assistant", "content": "The answer is", "usage": {"total_tokens": 12}}
second = {"role": "assistant", "content": "42.", "usage": None}
print(Agent(Model(first, second)).run("What is the answer?"))
"""


class UnhandledShape(Rule):
    code = "L114"
    name = "unhandled-shape"
    keeps = Property.CONTAINMENT
    severity = Severity.ERROR
    summary = "A reply of a legal but unexpected shape ends the run as a TypeError, KeyError or the like."
    why = (
        "Providers leave out usage, send no choices, no text, several calls at once, or a value of another type, "
        "and are within their rights. Where the harness takes the usual shape for granted, such a reply ends the "
        "run as a programming error in the harness, with all work lost."
    )
    fix = (
        "Check the shape where the reply enters the harness: give optional fields a default, turn a reply that "
        "cannot be used into a retry or a message to the model, and end the run with a named reason only then."
    )
    references = (
        "https://github.com/huggingface/smolagents/pull/1752",
        "https://github.com/openai/openai-agents-python/pull/2850",
    )
    operator = "contain-step-error"
    yields_to = ("T101", "T105", "O109")
    bad = harness(_AGENT, _MAIN, exit_code=1)
    good = edited(
        bad,
        "agent.py",
        ('reply["usage"]["total_tokens"]', '(reply["usage"] or {"total_tokens": 0})["total_tokens"]'),
        exit_code=0,
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Shape errors raised in harness code after a reply, or on reading one, that ended the run."""
        replies = _replies(run)
        for origin in raised(run, *SLIPS, *_CONTENT):
            ended = escaped_to(run, origin)
            if ended is None or not origin.anchors or showing_function(run, model, origin) is not None:
                continue
            if short_type(origin.error) in _CONTENT and _on_purpose(model, origin):
                continue
            reply = _reply_before(run, replies, origin)
            if not _was_asked(run, origin, replies, reply) or _own_matter(run, origin, reply):
                continue
            yield _finding(run, model, origin, reply, ended)
            return  # it ended the run; whatever else was raised is its wake


def _on_purpose(model: HarnessModel, origin: TraceStep) -> bool:
    """Whether the function that an exception came out of words its message: then it refuses, and means to."""
    function = function_of(model, origin.anchors[0])
    message = origin.error.message if origin.error is not None else ""
    texts = wordings(function) if function is not None else []
    return any(pieces and all(piece in message for piece in pieces) for pieces in map(_pieces, texts))


def _pieces(wording: str) -> list[str]:
    """What a wording says between its holes, where that is enough to know it by."""
    pieces = [piece.strip() for piece in wording.split("{}") if len(piece.strip()) > 2]
    return pieces if sum(map(len, pieces)) >= LEAST_WORDED else []


def _replies(run: Htir) -> tuple[TraceStep, ...]:
    """Replies that arrived, and model calls that failed on the way back."""
    return requests(run) or tuple(run.of_kind(StepKind.MODEL_CALL))


def _reply_before(run: Htir, replies: Sequence[TraceStep], origin: TraceStep) -> TraceStep | None:
    around = {step.id for step in ancestors(run, origin)}
    before = [reply for reply in replies if run.place(reply.id) < run.place(origin.id) or reply.id in around]
    return before[-1] if before else None


def _was_asked(run: Htir, origin: TraceStep, replies: Sequence[TraceStep], reply: TraceStep | None) -> bool:
    """Whether a model had answered: a reply is there, or none is recorded at all and the agent loop was going round."""
    if reply is not None or replies:
        return reply is not None
    if origin.attributes.get("left_harness"):
        return True  # a part of the harness was used by itself: what it was given came from outside
    return any(step.kind is StepKind.TASK and events(step, "iteration") for step in ancestors(run, origin))


def _own_matter(run: Htir, origin: TraceStep, reply: TraceStep | None) -> bool:
    """Whether other rules speak of it: a tool's own error, malformed arguments, a tool that does not exist."""
    if tool_call_around(run, origin) is not None:
        return True
    missed = origin.error.message.strip("'\"") if origin.error is not None else ""
    calls = asked_in(run, reply) if reply is not None else ()
    return any(argument_flaw(call.arguments) is not None or call.name == missed for call in calls)


def _finding(run: Htir, model: HarnessModel, origin: TraceStep, reply: TraceStep | None, ended: TraceStep) -> Finding:
    place, error = origin.anchors[0], origin.error
    within = reply is not None and reply.id in {step.id for step in ancestors(run, origin)}
    alone = "from what it was called with" if ended is origin else "in the agent loop"
    after = alone if reply is None else f"{'on reading' if within else 'after'} the reply of {reply.id}"
    functions = [as_anchor(function, "took a shape for granted") for function in _passed(model, origin)]
    maker = maker_of(run, model, origin)
    if maker is not None:
        functions.insert(0, as_anchor(maker, "most likely made what could not be written"))
    function = function_of(model, place)
    quotes = [(f"{origin.id} error", quote(error.message if error is not None else ""))]
    return Finding(
        f"{short_type(error)} was raised at {place.place} in {place.qualname} ({origin.id}), {after}; nothing "
        f"contained it and it {'left the harness' if ended is origin else f'ended {ended.name} ({ended.id})'}.",
        one_of_each([*functions, place]),
        responsible_step=origin.parent or origin.id,
        symptom_step=ended.id,
        path=list(dict.fromkeys(s for s in (reply and reply.id, origin.parent, origin.id, ended.id) if s)),
        confidence=0.6 if reply is None else 0.85 if within else 0.75,
        quotes=quotes if reply is None else [*quotes, (f"{reply.id} output", quote(run.output_text(reply)))],
        layer=None if function is None else layer_in(run, model, function),
        parameters={"errors": [short_type(error)], "line": place.start_line, **_unbound(error)},
        operator="bind-names" if _unbound(error) else None,
        key=short_type(error),
    )


def _unbound(error: ErrorInfo | None) -> dict[str, JsonValue]:
    """The variable that had no value, or that None was counted with, when that is what was wrong."""
    if error is not None and short_type(error) == "TypeError" and _NO_NUMBER.search(error.message):
        return {"none": True}
    found = _UNBOUND.search(error.message) if error is not None else None
    return {"name": found.group(1)} if found is not None and short_type(error) == "UnboundLocalError" else {}


def _passed(model: HarnessModel, origin: TraceStep) -> list[Element]:
    """Functions that the exception came through, innermost first; constructors last, as they are told what to make."""
    found: list[Element] = []
    for frame in [*reversed(frames_of(origin))][:MOST_FRAMES]:
        function = model.function(frame.path, frame.function)
        if function is not None:
            found.append(function)
    innermost = function_of(model, origin.anchors[0])
    if innermost is not None and innermost not in found:
        found.insert(0, innermost)
    return sorted(found[:3], key=_is_told)


def _is_told(function: Element) -> bool:
    """Whether it is one that others use without a word of its own: a constructor, `__getitem__`, but not `__call__`."""
    name = function.anchor.qualname.rpartition(".")[2]
    return name.startswith("__") and name != "__call__"

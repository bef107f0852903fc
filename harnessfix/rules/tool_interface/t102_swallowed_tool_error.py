"""T102: a tool fails, and the model is told nothing of it."""

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace

from harnessfix.rules._errors import handler_element, handlings, short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import tool_call_around
from harnessfix.rules._query import (
    added_messages,
    as_anchor,
    nearest_anchors,
    one_of_each,
    quote,
    tool_element,
)
from harnessfix.rules._reach import is_driven, model_driven
from harnessfix.rules._signals import is_signal
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.prefix import common_start
from harnessfix_ir.steps import ErrorInfo, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity, Status, StepKind

_OPTIONAL = frozenset({"ImportError", "ModuleNotFoundError"})  # looked for, and done without
EMPTY_CONFIDENCE = 0.75  # that an empty answer is what a clause left of a failure
MIN_WORD = 4  # letters of a word that has to come back for the cause to count as told

_AGENT = r'''import json


def find_tickets(field, value):
    """List the tickets whose FIELD is VALUE."""
    try:
        tickets = [{"state": "open", "title": "leak"}, {"state": "closed", "title": "noise"}]
        found = [ticket for ticket in tickets if ticket[field] == value]
    except Exception:
        return "[]"
    return json.dumps(found)


TOOLS = {"find_tickets": find_tickets}


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(5):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for call in reply["tool_calls"]:
                answer = TOOLS[call["function"]["name"]](**json.loads(call["function"]["arguments"]))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": answer})
'''
_MAIN = r"""from agent import Agent
from model import Model, call, say

replies = [call("find_tickets", {"field": "status", "value": "open"}), say("There are no open tickets.")]
print(Agent(Model(*replies)).run("Which tickets are open?"))
"""

# A mark of a part of a text: `[[ ## observation_1 ## ]]`, `<result>`, `Observation:`.
_LABEL = re.compile(r"\[\[[^\[\]\n]{1,60}\]\]|</?[\w -]{1,40}>|(?<!\S)[\w ]{1,30}:")
LONGEST = 200_000  # characters of a request that are compared with those of the one before
_WORD = re.compile(r"[^\W\d_]{2,}")


class SwallowedToolError(Rule):
    code = "T102"
    name = "swallowed-tool-error"
    keeps = Property.HONESTY
    severity = Severity.ERROR
    summary = "A tool's exception is answered with an empty or fixed result, as if it had worked."
    why = (
        'The model cannot tell "nothing found" from "could not look". It believes the answer, reports it, or calls '
        "again with the same mistake; the exception that would have told it what to change was in the harness's hand."
    )
    fix = "Answer with the exception's type and message; catch only what the tool knows how to answer."
    references = (
        "https://www.anthropic.com/engineering/writing-tools-for-agents",
        "https://modelcontextprotocol.io/specification/2025-06-18/server/tools#error-handling",
    )
    operator = "surface-failure"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            '    except Exception:\n        return "[]"\n',
            '    except Exception as error:\n        return f"{type(error).__name__}: {error}"\n',
        ),
    )

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Broad handlers in tools that answer with a constant."""
        driven = model_driven(model)
        for handler in model.of_role(ElementRole.HANDLER):
            constant = handler.value("returns-constant")
            if handler.fact("broad") and handler.fact("swallows") and constant and is_driven(driven, handler):
                tool = _tool_around(model, handler)
                if tool is None:
                    continue
                yield Finding(
                    message=f"Whatever goes wrong in `{tool.name}` is answered with {quote(str(constant), 60)}.",
                    anchors=[as_anchor(handler, "answers every exception with a constant")],
                    key=_key(handler),
                    confidence=0.6,
                    severity=Severity.WARNING,
                    evidence=Evidence.DERIVED,
                    parameters={"returns": str(constant)},
                    missing=("a run in which the tool fails",),
                )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Tool failures that were swallowed, in the tool or in what called it, without a word of them to the model."""
        answers = _Answers(run)
        spoken: set[str] = set()
        empty: dict[str, Finding] = {}
        for error, handled in handlings(run):
            info = handled.error or error.error
            handler = handler_element(model, handled)
            if info is None or handler is None or is_signal(info) or short_type(info) in _OPTIONAL:
                continue
            told = None
            if _swallows(handler):
                told = _answer_in_tool(run, model, handler, handled) or answers.outside(error, handled)
            if (
                told is not None
                and not _tells(told.text, info)
                and (_is_answer_of(handler, told) or answers.say_nothing_of(told, handled))
            ):
                yield _finding(run, handler, error, handled, info, told)
                spoken.add(told.step.id)
            elif not handler.fact("reraises"):
                told = answers.left_empty(error, handled, info)
                # A tool that takes its own exceptions may well have nothing to say: only clauses around tools count.
                if told is not None and not is_driven(model_driven(model), handler):
                    found = _finding(run, handler, error, handled, info, told)
                    # Of several clauses the last one is what the answer was left to.
                    empty[told.step.id] = replace(found, confidence=EMPTY_CONFIDENCE)
        yield from (finding for step, finding in empty.items() if step not in spoken)


@dataclass(frozen=True)
class _Told:
    """What the model was told.

    Args:
        tool, step: by which tool, and in which step.
        text: it.
        own: whether the clause itself said it.
    """

    tool: TraceStep
    step: TraceStep
    text: str
    own: bool


class _Answers:
    """What a model was told next, after a clause had taken what went wrong around a tool.

    Args:
        run: the run.
    """

    def __init__(self, run: Htir) -> None:
        self._run = run
        self._added = [(request, parts) for request, _, parts in added_messages(run)]
        self._places = [run.place(request.id) for request, _ in self._added]
        self._tools = [run.place(step.id) for step in run.of_kind(StepKind.TOOL_CALL)]

    def outside(self, error: TraceStep, handled: TraceStep) -> _Told | None:
        """The new messages of the next request, when the clause stands around a tool that failed."""
        tool, at = tool_call_around(self._run, error), self._next(handled)
        if tool is None or tool.status is not Status.ERROR or at is None:
            return None
        request, parts = self._added[at]
        said = [part for part in parts if part.role in ("user", "tool") and part.kind != "tool_call"]
        answers = bool(said) and all(part.role == "tool" for part in said)
        return _Told(tool, request, "\n".join(self._run.text(part) for part in said), answers)

    def say_nothing_of(self, told: _Told, handled: TraceStep) -> bool:
        """Whether a request tells in one text, written anew, all that happened, and of that tool no word.

        That is where its text goes on from that of the request before, the model had asked for the tool, nothing was
        tried again, and what is new in it are labels and the model's own words.
        """
        at = self._next(handled)
        if not at or told.step is not self._added[at][0]:
            return False  # the tool itself answered
        if self._tools_between(self._run.place(handled.id), self._places[at]):
            return False
        before = self._added[at - 1][0]
        old, new = self._run.input_text(before), self._run.input_text(told.step)
        asked = self._run.output_text(before)
        if told.tool.name not in asked or len(new) > LONGEST:
            return False
        same = common_start(old, new)
        rest = common_start(old[same:][::-1], new[same:][::-1])
        if 2 * (same + rest) < len(old):
            return False
        added = _LABEL.sub(" ", new[same : len(new) - rest])
        return all(word in asked for word in _WORD.findall(added))

    def left_empty(self, error: TraceStep, handled: TraceStep, info: ErrorInfo) -> _Told | None:
        """The next answers to calls, where they say nothing at all and nothing was tried again."""
        run, at = self._run, self._next(handled)
        if not at:
            return None
        request, parts = self._added[at]
        asked, answered = self._places[at - 1], self._places[at]
        said = [part for part in parts if part.kind == "tool_result"]
        if run.place(error.id) < asked or not said or any(run.text(part).strip() for part in said):
            return None
        if any(_tells(run.text(part), info) for part in parts if part.role != "assistant"):
            return None
        if self._tools_between(run.place(handled.id), answered):
            return None  # it was tried again
        tool = tool_call_around(run, error)
        if tool is None and self._tools_between(asked, answered):
            return None  # tools ran, and it was none of them that failed
        return _Told(tool or handled, request, "", False)

    def _next(self, step: TraceStep) -> int | None:
        """Which request is the next one after a step."""
        at = bisect_right(self._places, self._run.place(step.id))
        return at if at < len(self._places) else None

    def _tools_between(self, start: int, end: int) -> bool:
        return bisect_right(self._tools, end) > bisect_right(self._tools, start)


def _answer_in_tool(run: Htir, model: HarnessModel, handler: Element, handled: TraceStep) -> _Told | None:
    tool = tool_call_around(run, handled)
    if tool is None or tool.status is not Status.OK:
        return None
    function = tool_element(model, tool)
    own = function is not None and (
        f"{handler.anchor.qualname}.".startswith(f"{function.anchor.qualname}.")
        and handler.anchor.path == function.anchor.path
    )
    return _Told(tool, tool, run.output_text(tool), own)


def _finding(
    run: Htir, handler: Element, error: TraceStep, handled: TraceStep, info: ErrorInfo, told: _Told
) -> Finding:
    what = f"{short_type(info)}: {quote(info.message, 80)!r}"
    said = f"{told.tool.name} ({told.tool.id}) raised {what} in {error.id}"
    if told.tool is handled:
        said = f"{what} was raised in {error.id}, where a tool was to be run"
    return Finding(
        message=f"{said}; the handler at {handler.anchor.place} answered {quote(told.text, 60)!r} ({told.step.id}), "
        "and the model saw no failure.",
        anchors=one_of_each(
            [as_anchor(handler, "swallowed the exception", handled.anchors[0].route), *nearest_anchors(run, told.tool)]
        ),
        responsible_step=handled.id,
        symptom_step=told.step.id,
        path=tuple(dict.fromkeys((error.id, handled.id, told.step.id))),
        key=_key(handler),
        confidence=0.92,
        quotes=((f"{error.id} error", quote(info.message)), (f"{told.step.id} text", quote(told.text))),
        parameters={"returns": str(handler.value("returns-constant") or "")},
    )


def _key(handler: Element) -> str:
    return handler.name


def _tool_around(model: HarnessModel, handler: Element) -> Element | None:
    tools = [e for e in model.at(handler.anchor.path, handler.anchor.start_line) if e.role is ElementRole.TOOL]
    return tools[0] if tools else None


def _swallows(handler: Element) -> bool:
    """Whether a clause takes everything and hands nothing of it on; what it logs no model reads."""
    aside = handler.fact("logs") is not None and handler.fact("returns-constant") is not None
    used = handler.fact("uses-exception") and not aside
    return bool(handler.fact("broad") and not used and not handler.fact("reraises"))


def _tells(answer: str, info: ErrorInfo) -> bool:
    """Whether the answer says what happened: the exception's type, or most words of its message."""
    if short_type(info) in answer:
        return True
    words = {word.lower() for word in info.message.split() if len(word) >= MIN_WORD}
    return bool(words) and 2 * sum(word in answer.lower() for word in words) > len(words)


def _is_answer_of(handler: Element, told: _Told) -> bool:
    """Whether the handler, and not something after it, can have given the answer: a constant of its, or nothing."""
    constant = str(handler.value("returns-constant") or handler.value("returns-message") or "").strip("'\"")
    if constant and constant != "None" and constant in told.text:
        return True
    return told.own and told.text.strip() in ("", "None", "null", "[]", "{}", "False")

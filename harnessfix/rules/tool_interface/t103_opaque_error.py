"""T103: a call fails, and its answer says neither why nor what to do."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from harnessfix.rules import _templates as templates
from harnessfix.rules._calls import Asked, malformed
from harnessfix.rules._errors import handler_element, handlings, short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import tool_call_around
from harnessfix.rules._query import (
    added_messages,
    as_anchor,
    asking_anchors,
    nearest_anchors,
    one_of_each,
    quote,
    step_elements,
    tool_element,
)
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import ErrorInfo, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Outcome, Property, Route, Severity, Status, StepKind

MIN_REPEATS = 2
MIN_WORDS = 2  # of a message that is missed where a call was made once
LONGEST_MESSAGE = 2_000  # characters of an exception's message whose words are looked for
MAX_ANSWER = 300  # characters; a longer answer says more than that something failed

_SPEAKS_OF_FAILURE = re.compile(
    r"error|exception|fail|invalid|could not|cannot|unable|went wrong|did not work|sorry|^$", re.IGNORECASE
)
_MENTIONS = re.compile(
    r"json|argument|pars(?:e|ing)|decod|malformed|invalid|expecting|delimiter|not an object|"
    r"(?:must|should) be (?:a|an)\b|schema|validat",
    re.IGNORECASE,
)
_SAYS = re.compile(r"json|pars(?:e|ing)|decod|malformed|invalid|expecting|delimiter|syntax", re.IGNORECASE)

_AGENT = r'''import json
from datetime import date


def days_until(day):
    """Number of days from the first of January 2030 until DAY."""
    try:
        return str((date.fromisoformat(day) - date(2030, 1, 1)).days)
    except ValueError:
        return "Error: the tool failed."


TOOLS = {"days_until": days_until}


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

asked = [call("days_until", {"day": "24 December 2030"}, f"call_{n}") for n in range(3)]
print(Agent(Model(*asked, say("I cannot tell."))).run("How long until Christmas Eve?"))
"""


class OpaqueError(Rule):
    code = "T103"
    name = "opaque-error"
    keeps = Property.HONESTY
    severity = Severity.WARNING
    summary = "A failing call is answered with a text that hides why it failed."
    why = (
        'An error text is the only thing a model can learn from. "The tool failed" names no cause and no remedy, '
        "so the model tries the same again until its steps are used up, although the harness had the reason in hand."
    )
    fix = (
        "Put the exception's type and message, what is expected instead, and an example of a good call into the answer."
    )
    references = (
        "https://www.anthropic.com/engineering/writing-tools-for-agents",
        "https://modelcontextprotocol.io/specification/2025-06-18/server/tools#error-handling",
    )
    operator = "structured-error"
    yields_to = ("T102",)
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            '    except ValueError:\n        return "Error: the tool failed."\n',
            '    except ValueError as error:\n        return f"Error: {error}. Write the day as 2030-12-24."\n',
        ),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Calls repeated, or runs failed, after an answer hid the exception; malformed arguments misread."""
        failed: dict[tuple[str, str, str], list[_Hidden]] = {}
        for hidden in _hidden_errors(run, model):
            failed.setdefault((hidden.tool.name, run.input_text(hidden.tool), hidden.answer), []).append(hidden)
        for found in failed.values():
            error, answer = found[0].error, found[0].answer
            repeated = len(found) >= MIN_REPEATS and short_type(error) not in answer
            # An answer to a single call may well be what the tool does instead: it has to speak of a failure.
            missed = run.run.outcome is Outcome.FAILED and len(_words(error.message)) >= MIN_WORDS
            if repeated or (missed and _SPEAKS_OF_FAILURE.search(answer)):
                yield _finding(run, model, found)
        yield from _misread(run, model)


class _Hidden(NamedTuple):
    """An exception in a tool, the clause that took it, an answer without most of its message, and where that stands."""

    tool: TraceStep
    error: ErrorInfo
    clause: TraceStep
    answer: str
    where: str


def _hidden_errors(run: Htir, model: HarnessModel) -> list[_Hidden]:
    """Exceptions in tools that were handled, and whose message the answer to the call does not have.

    What a clause around the tool answers is in the next request, when that has the result of one call alone.
    """
    found: dict[str, _Hidden] = {}
    added = [(run.place(request.id), request, parts) for request, _, parts in added_messages(run)]
    for error, clause in handlings(run):
        inside = tool_call_around(run, clause)
        tool = inside or tool_call_around(run, error)
        handler = handler_element(model, clause)
        if tool is None or error.error is None or (handler is not None and _raises(handler)):
            continue
        answer, where = run.output_text(tool), f"{tool.id} output"
        if inside is None:
            at = bisect_right(added, run.place(clause.id), key=lambda each: each[0])
            if at == len(added) or added[at][1].agent != tool.agent:
                continue
            said = [part for part in added[at][2] if part.kind == "tool_result"]
            if len(said) != 1:
                continue
            answer, where = run.text(said[0]), f"{added[at][1].id} input"
        elif not answer and tool.status is Status.ERROR:
            continue  # what became of it further out is not known
        if len(answer) <= MAX_ANSWER and not _tells(answer, error.error.message):
            found[tool.id] = _Hidden(tool, error.error, clause, answer, where)
    return list(found.values())


def _raises(handler: Element) -> bool:
    """Whether a clause hands the exception on, as it is or in its own words."""
    return any(handler.fact(fact) is not None for fact in ("reraises", "raises"))


def _tells(answer: str, message: str) -> bool:
    """Whether an answer has the message of an exception, or most of its words."""
    said, words, told = message.strip("'\" "), _words(message), answer.lower()
    return said in answer or (bool(words) and 2 * sum(word in told for word in words) > len(words))


def _words(message: str) -> set[str]:
    return set(re.findall(r"[a-z]{4,}", message[:LONGEST_MESSAGE].lower()))


def _misread(run: Htir, model: HarnessModel) -> Iterable[Finding]:
    """Malformed arguments that are answered with a text that says nothing of them; one finding per wording."""
    wrong = [(call, flaw) for call, flaw in malformed(run) if flaw != "empty"]
    if not wrong:
        return
    answers = {before.id: (request, parts) for request, before, parts in added_messages(run) if before is not None}
    ran = list(run.of_kind(StepKind.TOOL_CALL))
    dropped = _dropped(run, model)
    spoken: set[str] = set()
    for call, flaw in wrong:
        if call.step.id not in answers:
            continue
        request, parts = answers[call.step.id]
        told = [part for part in parts if part.role in ("user", "tool") and part.kind != "tool_call"]
        text = "\n".join(run.text(part) for part in told)
        window = range(run.place(call.step.id), run.place(request.id))
        # The harness had the reason in hand and used it for nothing: what else the answer says is beside the point.
        hidden = [clause for clause, error in dropped if run.place(clause.id) in window and error.message not in text]
        if (
            not text.strip()
            or (_SAYS if hidden else _MENTIONS).search(text)
            or any(run.place(s.id) in window and s.name == call.name for s in ran)
        ):
            continue
        finding = _misread_finding(run, model, call, flaw, request, text, hidden[:1])
        if finding.anchors and finding.anchors[0].place not in spoken:
            spoken.add(finding.anchors[0].place)
            yield finding


def _dropped(run: Htir, model: HarnessModel) -> list[tuple[TraceStep, ErrorInfo]]:
    """Clauses that took what a parser of JSON said was wrong and used nothing of it, with what that was."""
    found = []
    for error, clause in handlings(run):
        handler = handler_element(model, clause) if short_type(error.error) == "JSONDecodeError" else None
        if error.error is not None and handler is not None and not _hands_on(handler):
            found.append((clause, error.error))
    return found


def _hands_on(handler: Element) -> bool:
    return handler.fact("uses-exception") is not None or _raises(handler)


def _misread_finding(
    run: Htir,
    model: HarnessModel,
    call: Asked,
    flaw: str,
    request: TraceStep,
    text: str,
    hidden: list[TraceStep],
) -> Finding:
    fit = next(templates.renderings(model, text), None)
    handlers = [handler for clause in hidden if (handler := handler_element(model, clause)) is not None]
    anchors = [as_anchor(handler, "took what was wrong and used nothing of it") for handler in handlers]
    anchors += [as_anchor(fit.prompt, "words the answer", Route.LITERAL_MATCH)] if fit is not None else []
    between = run.steps[run.place(call.step.id) : run.place(request.id)]
    parsers = [e for step in between for e in step_elements(model, step, ElementRole.PARSER)]
    clauses = [step for step in between if step.kind is StepKind.ERROR and step.name.startswith("except")]
    responsible = (hidden or clauses or [call.step])[0].id
    anchors += [as_anchor(parser, "read the arguments") for parser in parsers[-1:]]
    return Finding(
        message=f"The arguments of {call.name or 'a tool'} in {call.step.id} were {flaw}; the model was answered "
        f"{quote(text, 90)!r} in {request.id}, which says nothing of it.",
        anchors=one_of_each([*anchors, *asking_anchors(run, request)]),
        responsible_step=responsible,
        symptom_step=request.id,
        path=tuple(dict.fromkeys((call.step.id, responsible, request.id))),
        key="misread",
        confidence=0.8,
        quotes=((f"{call.step.id} output", quote(call.arguments)), (f"{request.id} input", quote(text))),
    )


def _finding(run: Htir, model: HarnessModel, found: Sequence[_Hidden]) -> Finding:
    tool, error, clause, answer, where = found[0]
    given = run.input_text(tool)
    place = handler_element(model, clause) or tool_element(model, tool)
    anchors = [as_anchor(place, "words the answer")] if place is not None else []
    times = f"{len(found)} times " if len(found) > 1 else ""
    return Finding(
        message=f"{tool.name} was called {times}with {quote(given, 60)!r} and answered{' each time' * bool(times)} "
        f"{quote(answer, 60)!r}; most of {short_type(error)}: {quote(error.message, 80)!r}, handled in {clause.id}, "
        "never reached the model.",
        anchors=one_of_each([*anchors, *nearest_anchors(run, tool)]),
        responsible_step=clause.id,
        symptom_step=found[:2][-1].tool.id,
        path=tuple(dict.fromkeys((clause.id, *(hidden.tool.id for hidden in found)))),
        confidence=0.85 if times else 0.65,
        quotes=((where, quote(answer)),),
    )

"""T103: the same call fails again and again, and its answer says neither why nor what to do."""

from collections.abc import Iterable

from harnessfix.rules._errors import handler_element, handlings, short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._query import ancestors, as_anchor, nearest_anchors, one_of_each, quote, tool_element
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import ErrorInfo, TraceStep
from harnessfix_ir.vocabulary import Property, Severity, StepKind

MIN_REPEATS = 2
MAX_ANSWER = 300  # characters; a longer answer says more than that something failed

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
    summary = "A failing call is answered with a fixed sentence, and the model repeats it unchanged."
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
        """Calls that failed more than once with the same arguments and the same answer, which hides the exception."""
        hidden = _hidden_errors(run)
        failed: dict[tuple[str, str, str], list[TraceStep]] = {}
        for step in run.of_kind(StepKind.TOOL_CALL):
            answer = run.output_text(step)
            if step.id in hidden and len(answer) <= MAX_ANSWER:
                failed.setdefault((step.name, run.input_text(step), answer), []).append(step)
        for (_, asked, answer), steps in failed.items():
            if len(steps) >= MIN_REPEATS:
                yield _finding(run, model, asked, answer, steps, *hidden[steps[0].id])


def _hidden_errors(run: Htir) -> dict[str, tuple[ErrorInfo, TraceStep]]:
    """Tool steps in which an exception was handled whose message their answer does not have: error and clause."""
    found: dict[str, tuple[ErrorInfo, TraceStep]] = {}
    for error, clause in handlings(run):
        tool = next((outer for outer in ancestors(run, clause) if outer.kind is StepKind.TOOL_CALL), None)
        if tool is None or error.error is None:
            continue
        said, answer = error.error.message.strip("'\" "), run.output_text(tool)
        if said and said not in answer and short_type(error.error) not in answer:
            found[tool.id] = error.error, clause
    return found


def _finding(
    run: Htir,
    model: HarnessModel,
    asked: str,
    answer: str,
    steps: list[TraceStep],
    error: ErrorInfo,
    clause: TraceStep,
) -> Finding:
    place = handler_element(model, clause) or tool_element(model, steps[0])
    anchors = [as_anchor(place, "words the answer")] if place is not None else []
    return Finding(
        message=f"{steps[0].name} was called {len(steps)} times with {quote(asked, 60)!r} and answered each time "
        f"{quote(answer, 60)!r}; {short_type(error)}: {quote(error.message, 80)!r}, handled in {clause.id}, never "
        "reached the model.",
        anchors=one_of_each([*anchors, *nearest_anchors(run, steps[0])]),
        responsible_step=clause.id,
        symptom_step=steps[1].id,
        path=tuple(dict.fromkeys((clause.id, *(step.id for step in steps)))),
        confidence=0.85,
        quotes=((f"{steps[0].id} output", quote(answer)),),
    )

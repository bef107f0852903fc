"""L101: the same call, the same answer, again and again."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import loop_around, nearest_own, outermost_tools
from harnessfix.rules._query import as_anchor, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Property, Severity, StepKind

MANY = 4  # equal turns in a row; three may still be an honest second look
MANY_WAITING = 12  # for calls that wait for something: there, asking again is the point
_WAITS = re.compile(r"sleep|wait|poll|status|tail|progress|check|refresh|heartbeat|retry", re.IGNORECASE)

_AGENT = '''\
import json


def search(query):
    """Look for a document."""
    return f"no document matches {query!r}"


TOOLS = {"search": search}


class Agent:
    """Looks things up for its model until the model answers."""

    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(8):
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
_GUARDED = """\
        seen = []
        for _ in range(8):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for wanted in reply["tool_calls"]:
                arguments = json.loads(wanted["function"]["arguments"])
                if seen.count(arguments) == 2:
                    return f"stopped: {arguments} was asked for three times"
                seen.append(arguments)
                result = TOOLS[wanted['function']['name']](**arguments)
"""
_MAIN = """\
from agent import Agent
from model import Model, call

again = [call("search", {"query": "the answer"}, f"call_{n}") for n in range(8)]
print(Agent(Model(*again)).run("Find the answer."))
"""


@dataclass(frozen=True)
class _Turn:
    """What the model had done between two of its replies.

    `asked` holds what the model wrote for each step, where that is known: ids and contexts that the harness adds
    on the way are new each time.
    """

    steps: tuple[TraceStep, ...]
    asked: tuple[tuple[str | None, ...] | None, ...]

    def repeats(self, other: "_Turn") -> bool:
        """Whether both asked the same and got the same."""
        return len(self.steps) == len(other.steps) and all(
            _ended_alike(one, two) and (_given(one) == _given(two) or (wrote is not None and wrote == again))
            for one, two, wrote, again in zip(self.steps, other.steps, self.asked, other.asked, strict=True)
        )


def _ended_alike(one: TraceStep, two: TraceStep) -> bool:
    if one.name != two.name or [part.text for part in one.output] != [part.text for part in two.output]:
        return False
    return (one.error and one.error.message) == (two.error and two.error.message)


def _given(step: TraceStep) -> list[tuple[str | None, str]]:
    return [(part.name, part.text) for part in step.input]


class NoProgressLoop(Rule):
    code = "L101"
    name = "no-progress-loop"
    keeps = Property.ACCOUNTING
    severity = Severity.WARNING
    summary = "The same call with the same result is made many times in a row."
    why = (
        "A model that is stuck stays stuck when it is shown the same thing again. Each round is paid for and "
        "pushes earlier evidence out of the window; the harness sees every repeat and could say so, or stop."
    )
    fix = (
        "Notice equal calls with equal results: tell the model that it has been there, then leave the loop with a "
        "named stop reason. Let calls that wait for something pass."
    )
    references = (
        "https://arxiv.org/abs/2606.06324",
        "https://github.com/SWE-agent/mini-swe-agent/pull/863",
    )
    options = {"repeats": MANY, "repeats-waiting": MANY_WAITING}
    operator = "guard-loop"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            "        for _ in range(8):\n            reply = self.model.query(messages)\n"
            '            messages.append(reply)\n            if not reply.get("tool_calls"):\n'
            '                return reply["content"]\n            for wanted in reply["tool_calls"]:\n'
            '                arguments = json.loads(wanted["function"]["arguments"])\n'
            "                result = TOOLS[wanted['function']['name']](**arguments)\n",
            _GUARDED,
        ),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Runs of equal turns, each longest run once."""
        least = min(self.option("repeats-waiting"), self.option("repeats"))
        for repeats in _repeats(run):
            if len(repeats) < least:
                continue
            first, last = repeats[0].steps[0], repeats[-1].steps[-1]
            waits = any(_waits(run, step) for step in repeats[0].steps)
            needed = self.option("repeats-waiting" if waits else "repeats")
            if len(repeats) < needed:
                continue
            loop = loop_around(run, model, first)
            names = " and ".join(dict.fromkeys(step.name for step in repeats[0].steps))
            failing = all(step.error is not None for step in repeats[0].steps)
            anchors = [as_anchor(loop, "the loop that let it go on")] if loop is not None else []
            yield Finding(
                f"{names} was called {len(repeats)} times in a row with the same arguments and the same result "
                f"({first.id} to {last.id}); nothing in the harness said so or stopped it.",
                one_of_each([*anchors, *nearest_own(run, first)]),
                responsible_step=repeats[1].steps[0].id,
                symptom_step=last.id,
                path=[step.id for turn in repeats for step in turn.steps],
                confidence=min(0.9, 0.5 + 0.05 * len(repeats) + 0.1 * failing),
                quotes=[
                    (f"{first.id} input", quote(run.input_text(first))),
                    (f"{first.id} output", quote(_result(run, first))),
                ],
                parameters={"repeats": len(repeats), "call": first.name},
                key="repeats",
            )


def _repeats(run: Htir) -> Iterator[list[_Turn]]:
    by_agent: dict[str | None, list[_Turn]] = {}
    for agent, turn in _turns(run):
        streak = by_agent.setdefault(agent, [])
        if streak and not turn.repeats(streak[-1]):
            yield streak
            by_agent[agent] = streak = []
        streak.append(turn)
    yield from (streak for streak in by_agent.values() if streak)


def _turns(run: Htir) -> Iterator[tuple[str | None, _Turn]]:
    """The tool calls between one model call and the next, agent by agent."""
    pending: dict[str | None, list[TraceStep]] = {}
    written: dict[str, tuple[str | None, ...]] = {}
    outermost = {step.id for step in outermost_tools(run)}
    for step in run.of_kind(StepKind.MODEL_CALL, StepKind.TOOL_CALL):
        if step.kind is StepKind.TOOL_CALL:
            if step.id in outermost:
                pending.setdefault(step.agent, []).append(step)
            continue
        if pending.get(step.agent):
            yield step.agent, _turn(pending.pop(step.agent), written)
        written |= {p.call_id: (p.name, p.text) for p in step.output if p.kind == "tool_call" and p.call_id}
    for agent, steps in pending.items():
        yield agent, _turn(steps, written)


def _turn(steps: list[TraceStep], written: dict[str, tuple[str | None, ...]]) -> _Turn:
    return _Turn(tuple(steps), tuple(written.get(step.call_id or "") for step in steps))


def _waits(run: Htir, step: TraceStep) -> bool:
    return bool(_WAITS.search(step.name) or _WAITS.search(run.input_text(step)[:2000]))


def _result(run: Htir, step: TraceStep) -> str:
    return step.error.message if step.error is not None else run.output_text(step)

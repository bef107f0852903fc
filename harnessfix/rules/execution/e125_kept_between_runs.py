"""E125: an agent begins its second task where it left the first."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import beginning_of, nearest_own, own_function, owner_of
from harnessfix.rules._query import as_anchor, events, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Outcome, Property, Route, Severity

# What adds up over the life of an agent, and what an agent has in order to remember.
_MEANT_TO_LAST = re.compile(
    r"cost|token|usage|spent|total|cache|stat|metric|seen|memor|store|known|_id$|count$|logs?$|calls$", re.I
)

_AGENT = """\
class Agent:
    def __init__(self, model, max_turns=2):
        self.model = model
        self.max_turns = max_turns
        self.turns = 0
        self.messages = []

    def run(self, task):
        self.messages = [{"role": "user", "content": task}]
        while self.turns < self.max_turns:
            self.turns += 1
            reply = self.model.query(self.messages)
            self.messages.append(reply)
            if reply["content"].startswith("Final:"):
                return reply["content"]
            self.messages.append({"role": "user", "content": "Go on."})
        return None
"""
_MAIN = """\
from agent import Agent
from model import Model, say

agent = Agent(Model(say("Let me think."), say("Final: Paris"), say("Let me see."), say("Final: Rome")))
print(agent.run("Name the capital of France."))
answer = agent.run("Name the capital of Italy.")
print(answer)
raise SystemExit(answer is None)
"""


class KeptBetweenRuns(Rule):
    code = "E125"
    name = "kept-between-runs"
    keeps = Property.ISOLATION
    severity = Severity.WARNING
    summary = "A failed run began with what the agent's run before had left in it."
    why = (
        "Counters, flags and conversations that are made where the agent is made, and not where a run begins, belong "
        "to all its runs. The second task starts with the turns of the first one spent, its flag set, its messages "
        "in front: it ends at once, too early, or with the answer of the other."
    )
    fix = "Set what belongs to one task where a run begins, unless the run is told to go on with an earlier one."
    by_hand = "Which fields are to outlive a run is known to the author alone."
    references = (
        "https://github.com/SWE-agent/mini-swe-agent/issues/909",
        "https://github.com/crewAIInc/crewAI/pull/5644",
    )
    bad = harness(_AGENT, _MAIN, exit_code=1)
    good = edited(
        bad,
        "agent.py",
        (
            '        self.messages = [{"role": "user", "content": task}]\n',
            '        self.turns = 0\n        self.messages = [{"role": "user", "content": task}]\n',
        ),
        exit_code=0,
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Runs of an agent that began with fields which an earlier run of it had left, and which nobody set back."""
        if run.run.outcome is Outcome.PASSED:
            return
        spoken: set[str] = set()
        for step in run.with_event("field_kept"):
            kept = list(_kept(model, step))
            begins = beginning_of(model, step) if kept else None
            if begins is None or begins.id in spoken:
                continue
            first = kept[0]
            if first.reader is None and run.run.outcome is not Outcome.FAILED:
                continue
            spoken.add(begins.id)
            trust = 0.8 if first.reader is not None else 0.5
            what = " and ".join(f"`self.{field.name}` ({field.words})" for field in kept[:3])
            read = f" `{quote(first.read, 80)}` reads it." if first.reader is not None else ""
            reader = [as_anchor(first.reader, "reads it")] if first.reader is not None else []
            yield Finding(
                f"{step.name} ({step.id}) began with what the run before had left in {what}.{read}",
                one_of_each(
                    [as_anchor(begins, "begins a run", Route.PROBE), *nearest_own(run, step), *reader],
                ),
                responsible_step=step.id,
                symptom_step=step.id,
                path=[step.id],
                confidence=trust if run.run.outcome is Outcome.FAILED else trust - 0.15,
                parameters={"fields": [field.name for field in kept]},
                key="runs",
            )


class _Field(NamedTuple):
    """A field that was kept.

    Args:
        name: of the field.
        words: what it held, and when the first run began.
        reader: the limit or loop that goes by it.
        read: its condition.
    """

    name: str
    words: str
    reader: Element | None
    read: str


def _kept(model: HarnessModel, step: TraceStep) -> Iterator[_Field]:
    """Fields that decide how far the run goes first; others where some field was set back."""
    others = []
    for attributes in (event.attributes for event in events(step, "field_kept")):
        name = str(attributes.get("name"))
        words = f"{_shown(attributes.get('now'))}, and {_shown(attributes.get('first'))} when its first run began"
        reader = _reader(model, step, name)
        if reader is not None:
            yield _Field(name, words, *reader)
        elif attributes.get("renewed") and _belongs_to_a_run(name, attributes):
            others.append(_Field(name, words, None, ""))
    yield from others


def _belongs_to_a_run(name: str, attributes: Mapping[str, JsonValue]) -> bool:
    """Whether a field tells how far a run got; agents that others run are often meant to remember what was said."""
    is_number = isinstance(attributes.get("now"), (int, float))
    return not _MEANT_TO_LAST.search(name) and (is_number or not attributes.get("nested"))


def _reader(model: HarnessModel, step: TraceStep, name: str) -> tuple[Element, str] | None:
    """The limit or the loop of the agent's class that goes by a field."""
    function = own_function(model, step)
    if function is None:
        return None
    owner = owner_of(function)
    field = re.compile(rf"\bself\.{re.escape(name)}\b")
    for role, fact in ((ElementRole.LIMIT, "compares"), (ElementRole.AGENT_LOOP, "condition")):
        for element in model.of_role(role):
            condition = str(element.value(fact) or "")
            if element.anchor.path == function.anchor.path and owner_of(element) == owner and field.search(condition):
                return element, condition
    return None


def _shown(value: JsonValue) -> str:
    return value if isinstance(value, str) else repr(value)

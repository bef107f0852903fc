"""O107: the total is not the sum of its parts."""

import json
import re
from collections.abc import Iterable, Iterator

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import is_model_step, own_anchors, own_elements
from harnessfix.rules._query import ancestors, as_anchor, hazards, names, one_of_each, quote, requests
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity, Status, StepKind

MAX_CHARS = 200_000
_TOTALS = re.compile(r"^(total_)?(tokens|total_tokens|tokens_used|token_count|usage_total)$")

_AGENT = '''\
class Agent:
    """Counts the tokens that its model reports."""

    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        tokens = 0
        for _ in range(4):
            reply = self.model.query(messages)
            if reply["content"].endswith("?"):
                messages += [reply, {"role": "user", "content": "Yes."}]
                continue
            tokens += reply["usage"]["input_tokens"] + reply["usage"]["output_tokens"]
            if reply["content"] == "Done.":
                return {"answer": reply["content"], "total_tokens": tokens}
        return None
'''
_MAIN = """\
from agent import Agent
from model import Model, say

first = say("Shall I go on?") | {"usage": {"input_tokens": 10, "output_tokens": 5}}
second = say("Done.") | {"usage": {"input_tokens": 20, "output_tokens": 4}}
print(Agent(Model(first, second)).run("Work."))
"""


class UsageMiscounted(Rule):
    code = "O107"
    name = "usage-miscounted"
    keeps = Property.ACCOUNTING
    severity = Severity.WARNING
    summary = "The tokens that a run reports are not those that its model calls used."
    why = (
        "Budgets and bills rest on these numbers. They go wrong where a path leaves before the count (an error, a "
        "retry, a `continue`), where a wrapper and what it wraps both count, or where a running total is added as "
        "if it were one call's."
    )
    fix = (
        "Count each reply once, where it arrives, before anything can leave the path; take totals from that one place."
    )
    references = (
        "https://github.com/langfuse/langfuse/issues/3956",
        "https://github.com/ccusage/ccusage/issues/389",
    )
    operator = "fix-accounting"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            '            if reply["content"].endswith("?"):\n',
            '            tokens += reply["usage"]["input_tokens"] + reply["usage"]["output_tokens"]\n'
            '            if reply["content"].endswith("?"):\n',
        ),
        (
            "                continue\n"
            '            tokens += reply["usage"]["input_tokens"] + reply["usage"]["output_tokens"]\n',
            "                continue\n",
        ),
    )

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Sums of records that leave out one of the counts that the records have."""
        for element in hazards(model, "sum-leaves-out"):
            field, sums = str(element.value("field")), names(element.value("sums"))
            yield Finding(
                f"{element.anchor.qualname} adds {quote(', '.join(sums), 80)} of two records, and not {field}: "
                "their total keeps the first one's.",
                [as_anchor(element, "adds the others")],
                confidence=0.6,
                evidence=Evidence.DERIVED,
                parameters={"field": field, "beside": element.value("beside")},
                key=f"leaves out {field}",
            )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Totals that are smaller than the parts, or a whole number of times as large."""
        calls = _calls(run)
        for step in run.of_kind(StepKind.TASK) if len(calls) > 1 else ():
            inside = [call for call in calls if any(outer is step for outer in ancestors(run, call))]
            told = _told(run, step)
            parts = [_tokens(call) for call in inside]
            if told is None or len(parts) < 2 or step.status is not Status.OK or not all(parts):
                continue
            what = _wrong(told, parts)
            if not what:
                continue
            loops = own_elements(model, step, ElementRole.AGENT_LOOP)
            yield Finding(
                f"{step.name} ({step.id}) reports {told:,} tokens; its {len(parts)} model calls used {sum(parts):,} "
                f"({what}).",
                one_of_each([*own_anchors(step)[:1], *(as_anchor(loop, "counts in this loop") for loop in loops)]),
                responsible_step=_first_missing(inside, told, parts).id,
                symptom_step=step.id,
                path=[*(call.id for call in inside), step.id],
                confidence=0.8,
                evidence=Evidence.DERIVED,
                parameters={"reported": told, "counted": sum(parts)},
                key="tokens",
            )


def _calls(run: Htir) -> list[TraceStep]:
    """Model calls that report usage, each once: the innermost step that knows it."""
    knowing = [step for step in run.steps if is_model_step(step) and step.usage is not None]
    around = {outer.id for step in knowing for outer in ancestors(run, step)}
    found = [step for step in knowing if step.id not in around]
    return found if len(found) >= len(requests(run)) else []


def _tokens(step: TraceStep) -> int:
    usage = step.usage
    return (usage.input_tokens or 0) + (usage.output_tokens or 0) if usage is not None else 0


def _told(run: Htir, step: TraceStep) -> int | None:
    """The total that a step reports: its own usage, or a field of its result."""
    if step.usage is not None and _tokens(step):
        return _tokens(step)
    return next(iter(_fields(run, step)), None)


def _fields(run: Htir, step: TraceStep) -> Iterator[int]:
    for part in step.output:
        text = run.text(part)
        if part.name and _TOTALS.match(part.name) and text.isdigit():
            yield int(text)
        elif not part.name and text[:1] == "{" and len(text) < MAX_CHARS:
            try:
                record = json.loads(text)
            except (ValueError, RecursionError):
                continue
            yield from (value for name, value in record.items() if _TOTALS.match(name) and type(value) is int)


def _wrong(told: int, parts: list[int]) -> str:
    """What is wrong with a total, in words; empty when it is right, or wrong in a way that has other causes."""
    whole = sum(parts)
    if told == whole or told == 0:
        return ""
    if any(told == whole - part for part in parts):
        return "one call is missing"
    if told < whole and any(told == sum(parts[:n]) for n in range(1, len(parts))):
        return "the last calls are missing"
    if told > whole and told % whole == 0:
        return f"each is counted {told // whole} times"
    running = sum(sum(parts[: n + 1]) for n in range(len(parts)))
    return "running totals were added up" if told == running else ""


def _first_missing(calls: list[TraceStep], told: int, parts: list[int]) -> TraceStep:
    whole = sum(parts)
    return next((call for call, part in zip(calls, parts, strict=True) if told == whole - part), calls[0])

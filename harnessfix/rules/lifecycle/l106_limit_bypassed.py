"""L106: a limit was set, and did not hold."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from harnessfix.rules._budgets import fallen_back, given_numbers, is_given, one_too_few, overspent
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import own_anchors
from harnessfix.rules._query import as_anchor, hazards, names, one_of_each, went_through
from harnessfix.rules._turn_limits import steps_at, too_many_turns, unread_in_run, unread_limits
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Layer, Outcome, Property, Severity, StepKind

_OR = re.compile(r"^\s*([\w.]+)\s+or\s+(.+)$", re.DOTALL)
_SPENT = re.compile(r"cost|budget|price|spend|token|request|call|retr(y|ies)|attempt|usage|quota")
_TRIES = re.compile(r"retr(y|ies)|attempt")
_NO_DEFAULT = re.compile(r"^(None|False|0(\.0*)?|float\(.inf.\)|math\.inf|sys\.maxsize|\{\}|\[\]|\(\)|\w+\(\))$")

_AGENT = '''\
class Agent:
    """Works until its calls are spent; a limit of 0 is for a trial run that must not pay for any."""

    def __init__(self, model):
        self.model = model

    def run(self, task, call_limit=None):
        limit = call_limit or 5
        messages = [{"role": "user", "content": task}]
        calls = 0
        while calls < limit:
            reply = self.model.query(messages)
            calls += 1
            messages.append(reply)
            if "DONE" in reply["content"]:
                return reply["content"]
            messages.append({"role": "user", "content": "Go on."})
        return f"stopped after {calls} calls"
'''
_MAIN = """\
from agent import Agent
from model import Model, say

print(Agent(Model(say("one"), say("two"), say("DONE"))).run("Count to three.", call_limit=0))
"""


class LimitBypassed(Rule):
    code = "L106"
    name = "limit-bypassed"
    keeps = Property.ACCOUNTING
    severity = Severity.WARNING
    summary = "A limit does not hold: zero reads as unset, a path does not count, or one more is let through."
    why = (
        "Limits are what keeps an agent from spending without end, and they are tested on the straight path only. "
        "`limit or DEFAULT` throws an explicit 0 away; a counter that moves after the call does not move when the "
        "call raises; checks before a parallel batch see the count from before it; N retries are N + 1 attempts."
    )
    fix = (
        "Test for `None`, not for truth. Count a unit before or as it is spent, on the error path too, and for "
        "all of a batch at once. Say in the name whether retries or attempts are meant."
    )
    references = (
        "https://github.com/SWE-agent/mini-swe-agent/pull/825",
        "https://github.com/pydantic/pydantic-ai/pull/2978",
    )
    operator = "fix-limit"
    clone = (ElementRole.LIMIT, "falsy-zero")
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", ("call_limit or 5", "5 if call_limit is None else call_limit"))

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Limits whose source shows that they cannot hold on some path."""
        return map(_on_its_layer, self._in_source(model))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Zeros that were thrown away, paths that did not count, and calls beyond a limit that the run was given."""
        return map(_on_its_layer, self._in_run(run, model))

    def _in_source(self, model: HarnessModel) -> Iterator[Finding]:
        for limit in model.of_role(ElementRole.LIMIT):
            default = _default(limit)
            if default is not None and (worth := _zero_matters(default[0])):
                words = f"{default[0]} of 0 is replaced by {default[1]}: `or` cannot tell zero from unset."
                yield _static(limit, words, "falsy-zero", worth)
            if limit.fact("zero-dropped") is not None and (worth := _zero_matters(limit.name)):
                words = f"{limit.name} of 0 is not handed on: `if {limit.value('falsy-zero')}` takes it for unset."
                yield _static(limit, words, "zero-dropped", min(worth, 0.5))
            for path in names(limit.value("skipped-on")):
                if path.startswith("except"):
                    line = path.partition(":")[2]
                    words = f"{limit.value('counter')} does not move when the clause at line {line} is entered."
                    yield _static(limit, words, "skipped-on", 0.5)
            if limit.fact("stands-still") is not None:
                words = f"Nothing moves {limit.value('counter')}, which {limit.name} is compared with: it never counts."
                yield _static(limit, words, "stands-still", 0.6)
            if limit.value("off-by-one"):
                words = f"One more than {limit.name} is let through: {limit.value('off-by-one')}."
                yield _static(limit, words, "off-by-one", 0.5)
            if limit.fact("counts-attempts") is not None:
                words = f"{limit.name} is used as a number of attempts: one retry is none, and N are N - 1."
                yield _static(limit, words, "attempts", 0.6)
        for kept in hazards(model, "uncompared-limit"):
            name, counter = str(kept.value("limit")), str(kept.value("counter"))
            yield Finding(
                f"{kept.anchor.qualname} moves {counter}, {name} is kept beside it, and nothing compares them.",
                [as_anchor(kept, "counts what is limited")],
                confidence=0.6,
                evidence=Evidence.DERIVED,
                parameters={"form": "uncompared", "limit": name, "counter": counter},
                key=f"uncompared {name.rpartition('.')[2]}",
                missing=("a run that was given this limit",),
            )
        yield from unread_limits(model)

    def _in_run(self, run: Htir, model: HarnessModel) -> Iterator[Finding]:
        yield from _thrown_away(run, model)
        yield from _uncounted(run, model)
        yield from _standing_still(run, model)
        yield from overspent(run, model)
        yield from too_many_turns(run, model)
        yield from unread_in_run(run, model)
        yield from one_too_few(run, model)


def _on_its_layer(finding: Finding) -> Finding:
    """What a run may spend (money, tokens, calls, tries) is governance; how long its loops go round is lifecycle.

    So is a try that is made again for ever.
    """
    endless = finding.parameters.get("form") == "stands-still" and _TRIES.search(finding.key)
    return replace(finding, layer=Layer.GOVERNANCE) if _SPENT.search(finding.key) and not endless else finding


def _default(limit: Element) -> tuple[str, str] | None:
    """Name and replacement of a `limit or default` whose default is a limit of its own."""
    found = _OR.match(str(limit.value("falsy-zero") or ""))
    if found is None or _NO_DEFAULT.match(found.group(2).strip()):
        return None
    return found.group(1), " ".join(found.group(2).split())[:60]


def _zero_matters(name: str) -> float:
    """How likely 0 is a value that somebody means (no retries, no cost limit); 0.0 where it makes no sense."""
    plain = name.rpartition(".")[2].lower()
    if re.search(
        r"cost|budget|price|spend|retries|retry(_(limit|count|times))?$|temperature|top_p|top_k|penalty|seed$|delay|backoff",
        plain,
    ):
        return 0.6
    return 0.4 if re.search(r"(limit|interval|offset|index|depth)$", plain) else 0.0


def _static(element: Element, message: str, form: str, confidence: float) -> Finding:
    counter = element.value("counter")
    return Finding(
        message,
        [as_anchor(element, "the limit that does not hold")],
        confidence=confidence,
        severity=Severity.WARNING if confidence >= 0.5 else Severity.INFO,
        evidence=Evidence.DERIVED,
        parameters={"form": form, **({"counter": counter} if isinstance(counter, str) else {})},
        operator="" if form in ("attempts", "zero-dropped") else None,
        key=f"{form} {element.name}",
    )


# --- zero is not unset ----------------------------------------------------------------------------------------------


def _thrown_away(run: Htir, model: HarnessModel) -> Iterator[Finding]:
    zeros = {given.name: given for given in reversed(list(given_numbers(run))) if given.value == 0}
    fallen = {
        (choice.anchor.path, choice.anchor.start_line, choice.name): step
        for step, event, choice in fallen_back(run, model)
        if str(event.attributes.get("value")) in ("0", "0.0") and is_given(choice)
    }
    for limit in model.of_role(ElementRole.LIMIT) if zeros or fallen else ():
        default = _default(limit)
        if default is None:
            continue
        given = zeros.get(default[0].rpartition(".")[2])
        fell = fallen.get((limit.anchor.path, limit.anchor.start_line, default[0]))
        if given is None and fell is not None and " or " not in default[1]:
            yield _fallen_to(limit, default, fell, failed=run.run.outcome is Outcome.FAILED)
        if given is None:
            continue
        yield Finding(
            f"{given.step.name} ({given.step.id}) was given {given.name}=0; `{default[0]} or {default[1]}` threw it "
            f"away and took {default[1]}.",
            one_of_each([as_anchor(limit, "the limit that does not hold"), *own_anchors(given.step)[:1]]),
            responsible_step=given.step.id,
            symptom_step=given.step.id,
            path=[given.step.id],
            confidence=0.95,
            severity=Severity.ERROR,
            parameters={"form": "falsy-zero"},
            key=f"falsy-zero {limit.name}",
        )


def _fallen_to(limit: Element, default: tuple[str, str], step: TraceStep, *, failed: bool) -> Finding:
    """Of a zero that was given: it may have meant no limit, and a run that went well says so."""
    return Finding(
        f"`{default[0]} or {default[1]}` had 0 and took {default[1]} ({step.id}): the limit that was given is gone.",
        one_of_each([as_anchor(limit, "the limit that does not hold"), *own_anchors(step)[:1]]),
        responsible_step=step.id,
        symptom_step=step.id,
        path=[step.id],
        confidence=0.9 if failed else 0.6,
        severity=Severity.ERROR if failed else Severity.WARNING,
        parameters={"form": "falsy-zero"},
        key=f"falsy-zero {limit.name}",
    )


# --- counted on every path ------------------------------------------------------------------------------------------


def _uncounted(run: Htir, model: HarnessModel) -> Iterator[Finding]:
    entered: dict[tuple[str, int], list[TraceStep]] = {}
    for step in run.of_kind(StepKind.ERROR):
        if step.name.startswith("except") and step.anchors:
            entered.setdefault((step.anchors[0].path, step.anchors[0].start_line), []).append(step)
    for limit in model.of_role(ElementRole.LIMIT) if entered else ():
        for path in names(limit.value("skipped-on")):
            kind, _, line = path.partition(":")
            times = entered.get((limit.anchor.path, int(line) if line.isdigit() else 0), [])
            if kind != "except" or len(times) < 2:
                continue
            yield Finding(
                f"The clause at line {line} was entered {len(times)} times ({times[0].id} to {times[-1].id}); "
                f"{limit.value('counter')} did not move there, so {limit.name} counted none of them.",
                one_of_each([as_anchor(limit, "the limit that does not hold"), *times[0].anchors[:1]]),
                responsible_step=times[0].id,
                symptom_step=times[-1].id,
                path=[step.id for step in times],
                confidence=0.9,
                parameters={"form": "skipped-on", "counter": limit.value("counter")},
                key=f"skipped-on {limit.name}",
            )


def _standing_still(run: Htir, model: HarnessModel) -> Iterator[Finding]:
    """Limits that a run looked at, of which the counter never moves; right the first time, wrong the second."""
    still = [limit for limit in model.of_role(ElementRole.LIMIT) if limit.fact("stands-still") is not None]
    still = [limit for limit in still if went_through(run, limit)]
    for limit in still:
        steps = steps_at(run, model, limit)
        if not steps:
            continue
        wrong = steps[min(1, len(steps) - 1)]
        times = f"{len(steps)} times ({steps[0].id} to {steps[-1].id})" if len(steps) > 1 else f"in {wrong.id}"
        yield Finding(
            f"{limit.name} was looked at {times}, and nothing moves {limit.value('counter')}, which it is compared "
            "with: it never counts.",
            one_of_each([as_anchor(limit, "the limit that does not hold"), *own_anchors(wrong)[:1]]),
            responsible_step=wrong.id,
            symptom_step=steps[-1].id,
            path=list(dict.fromkeys((wrong.id, steps[-1].id))),
            confidence=0.85,
            severity=Severity.ERROR,
            evidence=Evidence.DERIVED,
            parameters={"form": "stands-still", "counter": limit.value("counter")},
            key=f"stands-still {limit.name}",
        )

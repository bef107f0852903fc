"""L106: a limit was set, and did not hold."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import is_model_step, own_anchors, own_function
from harnessfix.rules._query import ancestors, as_anchor, function_of, names, one_of_each, reachable, requests
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity, StepKind

MAX_CHARS = 50_000  # longer arguments are not searched for settings
_OR = re.compile(r"^\s*([\w.]+)\s+or\s+(.+)$", re.DOTALL)
_NO_DEFAULT = re.compile(r"^(None|False|0(\.0*)?|float\(.inf.\)|math\.inf|sys\.maxsize)$")
_SETTING = re.compile(
    r"\"((?:max_)?(?:tool_calls?|requests?|model_calls?|retries)(?:_limit)?)\"\s*:\s*(\d{1,6})\b(?!\.)"
)
_CALLS_LIMIT = re.compile(
    r"^(?:max_(?:tool_calls?|requests?|model_calls?)|(?:tool_calls?|requests?|model_calls?)_limit)$"
)

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


@dataclass(frozen=True)
class _Given:
    """A number that a step was given under a name, for instance `max_requests=0`."""

    step: TraceStep
    name: str
    value: float


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
        for limit in model.of_role(ElementRole.LIMIT):
            default = _default(limit)
            if default is not None and (worth := _zero_matters(default[0])):
                words = f"{default[0]} of 0 is replaced by {default[1]}: `or` cannot tell zero from unset."
                yield _static(limit, words, "falsy-zero", worth)
            for path in names(limit.value("skipped-on")):
                if path.startswith("except"):
                    line = path.partition(":")[2]
                    words = f"{limit.value('counter')} does not move when the clause at line {line} is entered."
                    yield _static(limit, words, "skipped-on", 0.5)
            if limit.value("off-by-one"):
                words = f"One more than {limit.name} is let through: {limit.value('off-by-one')}."
                yield _static(limit, words, "off-by-one", 0.5)
            if limit.fact("counts-attempts") is not None:
                words = f"{limit.name} is used as a number of attempts: one retry is none, and N are N - 1."
                yield _static(limit, words, "attempts", 0.6)

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Zeros that were thrown away, paths that did not count, and calls beyond a limit that the run was given."""
        yield from _thrown_away(run, model)
        yield from _uncounted(run, model)
        yield from _overspent(run, model)
        yield from _one_too_few(run, model)


def _default(limit: Element) -> tuple[str, str] | None:
    """Name and replacement of a `limit or default` whose default is a limit of its own."""
    found = _OR.match(str(limit.value("falsy-zero") or ""))
    if found is None or _NO_DEFAULT.match(found.group(2).strip()):
        return None
    return found.group(1), " ".join(found.group(2).split())[:60]


def _zero_matters(name: str) -> float:
    """How likely 0 is a value that somebody means (no retries, no cost limit); 0.0 where it makes no sense."""
    plain = name.rpartition(".")[2].lower()
    if re.search(r"cost|budget|price|spend|retries|retry", plain):
        return 0.6
    return 0.4 if plain.endswith("limit") else 0.0


def _static(element: Element, message: str, form: str, confidence: float) -> Finding:
    return Finding(
        message,
        [as_anchor(element, "the limit that does not hold")],
        confidence=confidence,
        severity=Severity.WARNING if confidence >= 0.5 else Severity.INFO,
        evidence=Evidence.DERIVED,
        parameters={"form": form, "counter": element.value("counter")},
        key=f"{form} {element.name}",
    )


# --- zero is not unset ----------------------------------------------------------------------------------------------


def _thrown_away(run: Htir, model: HarnessModel) -> Iterator[Finding]:
    zeros = {given.name: given for given in reversed(list(_given(run))) if given.value == 0}
    for limit in model.of_role(ElementRole.LIMIT) if zeros else ():
        default = _default(limit)
        given = zeros.get(default[0].rpartition(".")[2]) if default is not None else None
        if given is None or default is None:
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


def _given(run: Htir) -> Iterator[_Given]:
    for step in run.steps:
        for part in step.input:
            text = run.text(part)
            if part.name and len(text) < 12 and re.fullmatch(r"-?\d+(\.\d+)?", text):
                yield _Given(step, part.name, float(text))
            elif text[:1] == "{" and len(text) < MAX_CHARS:
                yield from (_Given(step, name, float(number)) for name, number in _SETTING.findall(text))


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


# --- no more than allowed -------------------------------------------------------------------------------------------


def _overspent(run: Htir, model: HarnessModel) -> Iterator[Finding]:
    seen: set[str] = set()
    for given in _given(run):
        if given.name in seen or given.value <= 0 or not _CALLS_LIMIT.match(given.name):
            continue
        seen.add(given.name)
        tools = "tool" in given.name
        spent = [
            s
            for s in (_tool_calls(run) if tools else requests(run))
            if s.error is None and _is_inside(run, s, given.step)
        ]
        if len(spent) <= given.value:
            continue
        over = spent[int(given.value)]
        batch = run.step(over.parent) if over.parent is not None else over
        limits = [e for e in model.of_role(ElementRole.LIMIT) if given.name in str(e.value("compares") or "")]
        function = own_function(model, batch)
        first = [as_anchor(function, "spent more than the limit")] if function is not None else []
        yield Finding(
            f"{given.name} was {given.value:g}, and {len(spent)} {'tool' if tools else 'model'} calls were made "
            f"({spent[0].id} to {spent[-1].id}); {over.id} was the first beyond it.",
            one_of_each([*first, *(as_anchor(e, "compares with the limit") for e in limits), *own_anchors(batch)]),
            responsible_step=over.id,
            symptom_step=spent[-1].id,
            path=[step.id for step in spent],
            confidence=0.85,
            severity=Severity.ERROR,
            parameters={"form": "overspent", "limit": given.name},
            key=f"overspent {given.name}",
        )


def _tool_calls(run: Htir) -> list[TraceStep]:
    """Tool calls, each once: those inside another one are part of it."""
    found = list(run.of_kind(StepKind.TOOL_CALL))
    return [step for step in found if not any(outer.kind is StepKind.TOOL_CALL for outer in ancestors(run, step))]


def _is_inside(run: Htir, step: TraceStep, outer: TraceStep) -> bool:
    return outer.parent is None or any(around is outer for around in ancestors(run, step))


# --- retries and attempts -------------------------------------------------------------------------------------------


def _one_too_few(run: Htir, model: HarnessModel) -> Iterator[Finding]:
    """Calls that were given N retries, failed N times and were not made again."""
    limits = [limit for limit in model.of_role(ElementRole.LIMIT) if limit.fact("counts-attempts") is not None]
    given = {one.name: one for one in reversed(list(_given(run)))} if limits else {}
    wanted = [(limit, given[limit.name]) for limit in limits if limit.name in given and given[limit.name].value >= 1]
    for step in run.of_kind(StepKind.MODEL_CALL) if wanted else ():
        tries = _tries(run, step)
        near = {function.id for anchor in own_anchors(step)[:1] for function in reachable(model, anchor)}
        for limit, setting in sorted(wanted, key=lambda pair: not _stands_in(model, pair[0], near)):
            if len(tries) != setting.value:
                continue
            yield Finding(
                f"{setting.name} was {setting.value:g}, and {step.name} ({step.id}) was given up after {len(tries)} "
                f"failed {'attempts' if len(tries) > 1 else 'attempt'} (last {tries[-1].id}): the first one was "
                "counted as a retry.",
                one_of_each([as_anchor(limit, "counts attempts, not retries"), *own_anchors(step)[:1]]),
                responsible_step=tries[-1].id,
                symptom_step=step.id,
                path=[*(attempt.id for attempt in tries), step.id],
                confidence=0.9,
                severity=Severity.ERROR,
                parameters={"form": "attempts", "limit": limit.name},
                key=f"attempts {limit.name}",
            )
            return


def _stands_in(model: HarnessModel, limit: Element, functions: set[str]) -> bool:
    function = function_of(model, limit.anchor)
    return function is not None and function.id in functions


def _tries(run: Htir, step: TraceStep) -> list[TraceStep]:
    """The innermost failed attempts of a failed model call, all of one function."""
    if step.error is None:
        return []
    failed = [s for s in run.descendants(step.id) if is_model_step(s) and s.error is not None]
    return [s for s in failed if s.name == failed[-1].name]

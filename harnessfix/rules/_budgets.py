"""Numbers that a run was given as limits, and what it spent."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.prefix import common_prefix
from harnessfix_ir.steps import Part, StepEvent, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Severity, StepKind

from ._calls import asked
from ._once import once
from ._own import callers_of, is_model_step, outermost_tools, own_anchors, own_function
from ._query import (
    MESSAGE_ROLES,
    added_messages,
    ancestors,
    as_anchor,
    events,
    function_of,
    names,
    one_of_each,
    reachable,
    requests,
)
from .base import Finding

_STARTS_TASKS = frozenset(
    {"create_task", "gather", "ensure_future", "start_soon", "submit", "run_coroutine_threadsafe"}
)
MAX_CHARS = 50_000  # longer arguments are not searched for settings
_SETTING = re.compile(
    r"\"((?:max_)?(?:tool_calls?|requests?|model_calls?|retries)(?:_limit)?)\"\s*:\s*(\d{1,6})\b(?!\.)"
)
_ZERO = re.compile(r"0(\.0+)?")
_ZERO_SETTING = re.compile(r"\"(\w{1,80})\"\s*:\s*0(?:\.0+)?\s*[,}]")
_CALLS_LIMIT = re.compile(
    r"^(?:max_(?:tool_calls?|requests?|model_calls?)|(?:tool_calls?|requests?|model_calls?)_limit)$"
)


@dataclass(frozen=True)
class Given:
    """A number that a step was given under a name, for instance `max_requests=0`."""

    step: TraceStep
    name: str
    value: float


@once
def given_numbers(run: Htir) -> Sequence[Given]:
    """Numbers among the arguments of the run's steps, by name; of records only those that limit calls or retries."""
    return tuple(_given_numbers(run))


def _given_numbers(run: Htir) -> Iterator[Given]:
    for step, part, text in _given_texts(run):
        if part.name and len(text) < 12 and re.fullmatch(r"-?\d+(\.\d+)?", text):
            yield Given(step, part.name, float(text))
        elif text[:1] == "{" and len(text) < MAX_CHARS:
            yield from (Given(step, name, float(number)) for name, number in _SETTING.findall(text))


def fallen_back(run: Htir, model: HarnessModel) -> Iterator[tuple[TraceStep, StepEvent, Element]]:
    """Choices (`value or default`) that had a value and fell back all the same, as the probe tells them.

    Each with the step that it was made in, or that it is, and where it stands in the harness.
    """
    fallen = [(step, event) for step in run.with_event("fell_back") for event in events(step, "fell_back")]
    choices = {element.id: element for element in model.of_role(ElementRole.FALLBACK)} if fallen else {}
    for step, event in fallen:
        choice = choices.get(str(event.attributes.get("element")))
        if choice is not None:
            yield step, event, choice


def is_given(choice: Element) -> bool:
    """Whether a zero in a choice is one that somebody gave, and other than none; of a timeout both may be the same."""
    return choice.fact("none-unless-given") is not None and "timeout" not in choice.name.lower()


@once
def given_zeros(run: Htir) -> Mapping[str, TraceStep]:
    """Names that a step of the run was given 0 under, as an argument or in a record, each with the first such step.

    What a model wrote for a tool is not among them.
    """
    found: dict[str, TraceStep] = {}
    for step, part, text in _given_texts(run):
        if step.kind is StepKind.TOOL_CALL:
            continue
        if part.name and _ZERO.fullmatch(text):
            found.setdefault(part.name, step)
        elif text[:1] == "{" and len(text) < MAX_CHARS:
            for name in _ZERO_SETTING.findall(text):
                found.setdefault(name, step)
    return found


def _given_texts(run: Htir) -> Iterator[tuple[TraceStep, Part, str]]:
    """What steps were given, apart from messages."""
    known: dict[tuple[StepKind, str], tuple[tuple[Part, ...], list[int]]] = {}
    for step in run.steps:
        before, places = known.get((step.kind, step.name), ((), []))
        same = common_prefix(step.input, before)  # a history is read once, not with every request that holds it
        places = [at for at in places if at < same]
        places += [at for at in range(same, len(step.input)) if step.input[at].role not in MESSAGE_ROLES]
        known[step.kind, step.name] = step.input, places
        for part in (step.input[at] for at in places):
            yield step, part, run.text(part)


# --- no more than allowed -------------------------------------------------------------------------------------------


def overspent(run: Htir, model: HarnessModel) -> Iterator[Finding]:
    """More calls than a limit that the run was given."""
    seen: set[str] = set()
    for given in given_numbers(run):
        if given.name in seen or given.value <= 0 or not _CALLS_LIMIT.match(given.name):
            continue
        seen.add(given.name)
        tools = "tool" in given.name
        spent = _spent_tool_calls(run) if tools else [s for s in requests(run) if s.error is None]
        spent = [step for step in spent if _is_inside(run, step, given.step)]
        if len(spent) <= given.value:
            continue
        over = spent[int(given.value)]
        guard = _guard(run, model, given.name, over) if not tools else None
        batch = run.step(over.parent) if over.parent is not None and over.kind is not StepKind.MODEL_CALL else over
        yield Finding(
            f"{given.name} was {given.value:g}, and {len(spent)} {'tool' if tools else 'model'} calls were made; "
            "the first beyond it was "
            f"{over.id if over.kind is not StepKind.MODEL_CALL or not tools else 'answered in ' + over.id}.",
            one_of_each(
                [
                    *(own_anchors(guard)[:1] if guard is not None else ()),
                    *_checkers(run, model, given.name, batch),
                    *own_anchors(batch),
                ]
            ),
            responsible_step=(guard or over).id,
            symptom_step=spent[-1].id,
            path=list(dict.fromkeys((*([guard.id] if guard is not None else ()), *(step.id for step in spent)))),
            confidence=0.85,
            severity=Severity.ERROR,
            parameters={"form": "overspent", "limit": given.name},
            operator="",
            key=f"overspent {given.name}",
        )


def _guard(run: Htir, model: HarnessModel, name: str, over: TraceStep) -> TraceStep | None:
    """The last step before a call beyond the limit that is a method of what declares it, and let the call through."""
    owners = [owner.anchor for owner in _declaring(model, name)]
    found = None
    for step in run.steps[: run.place(over.id)] if owners else ():
        function = own_function(model, step)
        if function is not None and any(
            function.anchor.path == owner.path and function.anchor.qualname.startswith(f"{owner.qualname}.")
            for owner in owners
        ):
            found = step
    return found


def _checkers(run: Htir, model: HarnessModel, name: str, batch: TraceStep) -> Iterator[Anchor]:
    """Who let them through: what starts all at once, the callers of the check, what made the calls, the check."""
    limits = [e for e in model.of_role(ElementRole.LIMIT) if name in str(e.value("compares") or "")]
    checks = {f.id for e in limits if (f := function_of(model, e.anchor)) is not None}
    found: list[Element] = []
    for step in run.steps:
        function = own_function(model, step)
        if function is not None and function.id in checks:
            found = callers_of(model, step, 8)
            break
    yield from (as_anchor(f, "starts calls that have not been counted") for f in _starters(model, found))
    yield from (as_anchor(f, "checks one call at a time") for f in found[:2])
    function = own_function(model, batch)
    if function is not None and batch.kind is not StepKind.MODEL_CALL:
        yield as_anchor(function, "spent more than the limit")
    met = [limit for limit in limits if limit.anchor.path in run.reached] if run.reached else limits
    yield from (as_anchor(limit, "compares with the limit") for limit in met)
    declare = () if met else _declaring(model, name)
    yield from (as_anchor(owner, "declares the limit, and nothing looks at it") for owner in declare)


def _declaring(model: HarnessModel, name: str) -> Iterator[Element]:
    """Classes of settings that have a field of that name."""
    return (e for e in model.of_role(ElementRole.CONFIG_CLASS) if name in names(e.value("fields")))


def _starters(model: HarnessModel, functions: list[Element]) -> Iterator[Element]:
    """The nearest callers of these functions, up to four calls away, that start several tasks at once."""
    starting = {call.caller for call in model.calls_named(*_STARTS_TASKS)}
    above = model.callers if starting else {}
    ring = [f.anchor.symbol for f in functions]
    seen = set(ring)
    for _ in range(4):
        found = [key for key in dict.fromkeys(ring) if key in starting]
        if found:
            places = (key.partition(":") for key in found)
            yield from (f for path, _, name in places if (f := model.function(path, name)) is not None)
            return
        ring = [key for inner in ring for key in above.get(inner, ()) if key not in seen]
        seen.update(ring)


def _spent_tool_calls(run: Htir) -> list[TraceStep]:
    """One step for each tool call that was made: the call, or where none is recorded the request with its answer."""
    calls = [step for step in _tool_calls(run) if step.error is None]
    if calls:
        return _without_dispatchers(run, calls)
    return [
        request
        for request, _, parts in added_messages(run)
        for part in parts
        if part.kind == "tool_result" and part.role == "tool"
    ]


def _without_dispatchers(run: Htir, calls: list[TraceStep]) -> list[TraceStep]:
    """Calls but those of functions that only hand on what was asked for, which are also called for what is refused.

    Of such a function the calls that it made count; where none of any is recorded, those of the one called least.
    """
    wanted = {call.name for call in asked(run)}
    made: list[TraceStep] = []
    handed: dict[str, list[TraceStep]] = {}
    for step in calls:
        if step.name.rpartition(".")[2] in wanted or not _is_given_call(step):
            made.append(step)
            continue
        made += _first_inside(run, step)
        handed.setdefault(step.name, []).append(step)
    return made or min(handed.values(), key=len)


def _first_inside(run: Htir, step: TraceStep) -> list[TraceStep]:
    """The tool calls directly inside a step, not those of an agent that it started."""
    found: list[TraceStep] = []
    pending = list(run.children(step.id))
    for child in pending:
        if child.kind is StepKind.TOOL_CALL:
            found += [child] if child.error is None else []
        elif child.kind is not StepKind.TASK:
            pending += run.children(child.id)
    return found


def _is_given_call(step: TraceStep) -> bool:
    return any("call" in (part.name or "") for part in step.input)


def _tool_calls(run: Htir) -> list[TraceStep]:
    """Tool calls, each once: those inside another one are part of it, and what runs a batch is as many as it runs."""
    return [one for step in outermost_tools(run) for one in (_of_batch(run, step) or [step])]


def _of_batch(run: Htir, step: TraceStep) -> list[TraceStep]:
    """The calls that a step ran one by one, each a step of one function that was given a call; none for other steps."""
    alike: dict[str, list[TraceStep]] = {}
    for child in run.children(step.id):
        if _is_given_call(child):
            alike.setdefault(child.name, []).append(child)
    several = max(alike.values(), key=len, default=[])
    return several if len(several) > 1 else []


def _is_inside(run: Htir, step: TraceStep, outer: TraceStep) -> bool:
    return outer.parent is None or any(around is outer for around in ancestors(run, step))


# --- retries and attempts -------------------------------------------------------------------------------------------


def one_too_few(run: Htir, model: HarnessModel) -> Iterator[Finding]:
    """Calls that were given N retries, failed N times and were not made again."""
    limits = [limit for limit in model.of_role(ElementRole.LIMIT) if limit.fact("counts-attempts") is not None]
    given = {one.name: one for one in reversed(list(given_numbers(run)))} if limits else {}
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
                operator="",
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

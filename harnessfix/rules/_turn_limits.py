"""Limits on the turns of an agent that did not hold: those a run was given, and those that no code looks at."""

import re
from collections.abc import Iterator
from dataclasses import replace

from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Severity, StepKind

from ._own import callers_of, calls_of, loop_around, own_anchors
from ._query import MESSAGE_ROLES, ancestors, as_anchor, function_of, names, one_of_each, requests, went_through
from .base import Finding

MAX_CHARS = 50_000  # longer arguments are not searched for settings
MANY_REQUESTS = 25  # in one run, after which a limit that nobody looks at is a matter of that run
REQUESTS_PER_TURN = 2  # a turn may plan, or ask again, before it acts
_GIVEN = re.compile(
    r"\"(max_(?:turns|steps|iterations|rounds)|(?:turn|step|iteration)s?_limit)\"\s*:\s*(\d{1,6})\b(?!\.)"
)
_NAME = re.compile(r"^(max_(turns|steps|iterations|rounds)|(turn|step|iteration|cost|call|request)s?_limit)$")


def too_many_turns(run: Htir, model: HarnessModel) -> Iterator[Finding]:
    """An episode that asked its model far more often than the limit on its turns allows."""
    limits = {task.id: given for task in run.of_kind(StepKind.TASK) if (given := _given(run, task)) is not None}
    asked: dict[str, list[TraceStep]] = {}
    for request in requests(run) if limits else ():
        episode = _episode(run, request) if request.error is None else None
        if episode is not None and episode.id in limits:
            asked.setdefault(episode.id, []).append(request)
    for id_, spent in asked.items():
        name, limit = limits[id_]
        if len(spent) <= limit * REQUESTS_PER_TURN:
            continue
        over = spent[limit]
        loop = loop_around(run, model, over)
        function = function_of(model, loop.anchor) if loop is not None else None
        if function is not None and _stands_still(model, function):
            continue  # said with the reason
        yield Finding(
            f"{name} was {limit}, and {run.step(id_).name} ({id_}) asked its model {len(spent)} times; the first time "
            f"beyond it was {over.id}.",
            one_of_each(
                [
                    *([as_anchor(loop, "the loop that went on")] if loop is not None else ()),
                    *own_anchors(run.step(id_))[:1],
                    *own_anchors(over)[:1],
                ]
            ),
            responsible_step=id_,
            symptom_step=over.id,
            path=[id_, over.id, spent[-1].id],
            confidence=0.85,
            severity=Severity.ERROR,
            parameters={"form": "overspent", "limit": name} if loop is None else {"setting": name},
            operator="" if loop is None else "bound-loop",
            key=f"overspent {name}",
        )


def _stands_still(model: HarnessModel, function: Element) -> bool:
    """Whether a limit in a function is known to count nothing."""
    limits = model.in_function(function.anchor.path, function.anchor.qualname, ElementRole.LIMIT)
    return any(limit.fact("stands-still") is not None for limit in limits)


def steps_at(run: Htir, model: HarnessModel, element: Element) -> list[TraceStep]:
    """The steps that are one call of the function that holds an element, else those it led to, else the first task."""
    symbol = element.anchor.symbol
    own = list(calls_of(run, model, symbol))
    led = [] if own else [s for s in run.steps if any(f.anchor.symbol == symbol for f in callers_of(model, s))]
    return own or led or list(run.of_kind(StepKind.TASK))[:1]


def unread_in_run(run: Htir, model: HarnessModel) -> Iterator[Finding]:
    """The same limits, where a run went on and on beside them."""
    asked = requests(run)
    for finding, nearest in _unread(model) if len(asked) >= MANY_REQUESTS else ():
        steps = steps_at(run, model, nearest) if went_through(run, nearest) else []
        if steps:
            wrong = steps[min(1, len(steps) - 1)]
            yield replace(
                finding,
                message=f"{finding.message} This run asked its model {len(asked)} times, to {asked[-1].id}.",
                responsible_step=wrong.id,
                symptom_step=asked[-1].id,
                path=list(dict.fromkeys((wrong.id, asked[-1].id))),
                confidence=0.8,
                severity=Severity.ERROR,
                missing=(),
            )


def _episode(run: Htir, request: TraceStep) -> TraceStep | None:
    """The innermost task that a request was made in; none for one that a tool made."""
    for around in ancestors(run, request):
        if around.kind is StepKind.TOOL_CALL:
            return None
        if around.kind is StepKind.TASK:
            return around
    return None


def _given(run: Htir, episode: TraceStep) -> tuple[str, int] | None:
    """The limit on turns among an episode's arguments, plain or in a record; none where there are two that differ."""
    found: dict[str, int] = {}
    for part in episode.input:
        text = run.text(part) if part.role not in MESSAGE_ROLES else ""
        if part.name and _GIVEN.fullmatch(f'"{part.name}": {text}'):
            found[part.name] = int(text)
        elif text[:1] == "{" and len(text) < MAX_CHARS:
            found |= {name: int(number) for name, number in _GIVEN.findall(text)}
    settled = {number for number in found.values() if number > 0}
    return next((name, number) for name, number in found.items() if number > 0) if len(settled) == 1 else None


def unread_limits(model: HarnessModel) -> Iterator[Finding]:
    """Limits that a class of settings declares and no code compares with anything, beside others that are compared."""
    return (finding for finding, _ in _unread(model))


def _unread(model: HarnessModel) -> Iterator[tuple[Finding, Element]]:
    """Each with the limit beside it that is compared."""
    compared: dict[str, list[Element]] = {}
    for limit in model.of_role(ElementRole.LIMIT):
        for word in set(re.findall(r"\w+", f"{limit.name} {limit.value('compares') or ''}")):
            compared.setdefault(word, []).append(limit)
    rounds = {
        word
        for loop in model.of_role(ElementRole.AGENT_LOOP, ElementRole.LOOP, ElementRole.RETRY)
        for word in re.findall(r"\w+", f"{loop.value('condition') or ''} {loop.value('stop') or ''}")
    }
    told: set[str] = set()
    for settings in model.of_role(ElementRole.CONFIG_CLASS):
        fields = names(settings.value("fields"))
        # Of the same file: limits of that name that somebody else has are not beside it.
        beside = [e for field in fields for e in compared.get(field, ()) if e.anchor.path == settings.anchor.path]
        for field in fields:
            if not beside or not _NAME.match(field) or field in compared or field in rounds or field in told:
                continue
            told.add(field)  # a class below it declares it, too
            nearest = max(beside, key=lambda limit: len(set(limit.name.split("_")) & set(field.split("_"))))
            finding = Finding(
                f"{settings.name} declares {field}, and nothing is ever compared with it; {nearest.name} beside it is "
                f"looked at in {nearest.anchor.qualname}.",
                [as_anchor(nearest, "looks at the limit beside it"), as_anchor(settings, "declares the limit")],
                confidence=0.5,
                severity=Severity.WARNING,
                parameters={"form": "uncompared", "limit": field, "beside": nearest.name.rpartition(".")[2]},
                key=f"unread {field}",
                missing=("a run that was given this limit",),
            )
            yield finding, nearest

"""Iterations and retries: which step is the next round, and which is the same thing tried again."""

import itertools
from collections.abc import Iterator, Sequence

from harnessfix_ir.compiler.view import RunView
from harnessfix_ir.steps import StepEvent, TraceLink, TraceStep, new_link
from harnessfix_ir.vocabulary import Evidence, LinkKind, Status, StepKind

ITERATION = "iteration"


def iteration_links(view: RunView) -> Iterator[TraceLink]:
    """From the head of each round of a loop to the head of the next.

    Rounds are observed where a step carries `iteration` events with times, and derived from repeated model calls, or
    repeated steps that hold model calls, of one agent inside one step.
    """
    asks = _holds_model_call(view)
    for owner in range(-1, len(view.steps)):
        children = view.roots if owner < 0 else view.children[owner]
        if len(children) < 2:
            continue
        heads = [] if owner < 0 else _observed_heads(view, view.steps[owner], children)
        evidence = Evidence.OBSERVED if heads else Evidence.DERIVED
        for rounds in [heads] if heads else _repeated(view, children, asks):
            for number, (before, after) in enumerate(itertools.pairwise(rounds), start=2):
                yield new_link(
                    source=view.steps[before].id,
                    target=view.steps[after].id,
                    kind=LinkKind.ITERATION,
                    evidence=evidence,
                    detail=f"round {number}",
                )


def _observed_heads(view: RunView, owner: TraceStep, children: Sequence[int]) -> list[int]:
    """The first child of each round, when every round's begin was recorded with its time."""
    ticks = [_time(event) for event in owner.events if event.name == ITERATION]
    if len(ticks) < 2 or any(tick is None for tick in ticks):
        return []
    began = [view.steps[i].started_ns for i in children]
    if any(time is None for time in began):
        return []
    heads: list[int] = []
    at = 0
    for tick, upto in zip(ticks, [*ticks[1:], None]):
        while at < len(children) and (began[at] or 0) < (tick or 0):
            at += 1
        if at < len(children) and (upto is None or (began[at] or 0) < upto):
            heads.append(children[at])
    return heads


def _time(event: StepEvent) -> int | None:
    return event.time_ns


def _holds_model_call(view: RunView) -> list[bool]:
    holds = [step.kind is StepKind.MODEL_CALL for step in view.steps]
    for i in reversed(view.order):
        parent = view.parent[i]
        if parent >= 0 and holds[i] and view.steps[i].kind not in (StepKind.TASK, StepKind.TOOL_CALL):
            holds[parent] = True
    return holds


def _repeated(view: RunView, children: Sequence[int], asks: Sequence[bool]) -> Iterator[list[int]]:
    """Children that ask a model, grouped by kind, agent and (but for model calls) name without its number."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    for i in children:
        step = view.steps[i]
        if asks[i] and step.kind not in (StepKind.TASK, StepKind.TOOL_CALL):
            name = "" if step.kind is StepKind.MODEL_CALL else step.name.rstrip("0123456789 #:-_")
            groups.setdefault((step.kind, view.agent_of[i], name), []).append(i)
    for rounds in groups.values():
        sequential = [rounds[0]]
        for i in rounds[1:]:
            if view.ended_before(sequential[-1], i):
                sequential.append(i)
        if len(sequential) > 1:
            yield sequential


def retry_links(view: RunView, failed: Sequence[bool]) -> Iterator[TraceLink]:
    """From a failed model or tool call to the next one with the same input.

    Args:
        view: the run.
        failed: for every step whether it, or something in it, ended in an error.
    """
    last: dict[tuple[object, ...], int] = {}
    turns_so_far = 0
    turn_at: dict[int, int] = {}
    for i in view.order:
        step = view.steps[i]
        if step.kind not in (StepKind.MODEL_CALL, StepKind.TOOL_CALL):
            continue
        key = _same_call(view, i)
        before = last.get(key)
        turn_at[i] = turns_so_far
        if before is not None and failed[before] and _again(view, before, i):
            by_model = step.kind is StepKind.TOOL_CALL and turns_so_far > turn_at[before]
            yield new_link(
                source=view.steps[before].id,
                target=step.id,
                kind=LinkKind.RETRY_OF,
                evidence=Evidence.DERIVED,
                detail="the model asked for the same call again" if by_model else "tried again by the harness",
            )
        last[key] = i
        if step.kind is StepKind.MODEL_CALL:
            turns_so_far += 1


def _same_call(view: RunView, i: int) -> tuple[object, ...]:
    step = view.steps[i]
    ends = (step.input[0].text, step.input[-1].text) if step.input else ()
    name = step.name if step.kind is StepKind.TOOL_CALL else ""
    return (step.kind, name, view.agent_of[i], view.task_of[i], len(step.input), *ends)


def _again(view: RunView, before: int, i: int) -> bool:
    """Whether step `i` came after step `before` was over, and was given the same."""
    over = not view.inside(i, before) and view.ended_before(before, i)
    return over and _same_input(view.steps[before], view.steps[i])


def _same_input(first: TraceStep, second: TraceStep) -> bool:
    """Whether two steps were given the same; parts that are one object are compared fastest."""
    return all(a is b or (a.text == b.text and a.role == b.role) for a, b in zip(first.input, second.input))


def failed_steps(view: RunView) -> list[bool]:
    """For every step whether it ended in an error, or an exception was raised in it and left it."""
    failed = [step.status is Status.ERROR or step.error is not None for step in view.steps]
    for i, step in enumerate(view.steps):
        if step.kind is StepKind.ERROR and step.name.startswith("raise ") and view.parent[i] >= 0:
            caught = any(
                view.steps[sibling].kind is StepKind.ERROR and view.steps[sibling].name.startswith("except ")
                for sibling in view.children[view.parent[i]][-1:]
            )
            failed[view.parent[i]] = failed[view.parent[i]] or not caught
    return failed

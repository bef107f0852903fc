"""Control links: rounds and retries, handlers, parallel calls, guards, hand-overs, and what ended a task."""

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

from harnessfix_ir.compiler.pairing import Pairing
from harnessfix_ir.compiler.view import RunView
from harnessfix_ir.steps import TraceLink, TraceStep, new_link
from harnessfix_ir.vocabulary import Evidence, LinkKind, StepKind

from .failures import handled_links, termination_links
from .loops import failed_steps, iteration_links, retry_links

_HANDOVER = re.compile(r"hand.?off|hand.?over|transfer.?to", re.IGNORECASE)
GUARDED = frozenset((StepKind.TOOL_CALL, StepKind.SUBMIT, StepKind.ARTIFACT))


def control_links(view: RunView, pairings: Sequence[Pairing]) -> Iterator[TraceLink]:
    """All control links of a run."""
    yield from iteration_links(view)
    yield from retry_links(view, failed_steps(view))
    yield from handled_links(view)
    yield from branch_links(view, pairings)
    yield from guard_links(view)
    yield from delegation_links(view)
    yield from termination_links(view)


def branch_links(view: RunView, pairings: Sequence[Pairing]) -> Iterator[TraceLink]:
    """From a model turn to each of the tool steps that carry out its parallel calls."""
    by_turn: dict[int, list[Pairing]] = {}
    for pairing in pairings:
        by_turn.setdefault(pairing.turn, []).append(pairing)
    for turn, paired in by_turn.items():
        if len(paired) < 2:
            continue
        for number, pairing in enumerate(paired, start=1):
            yield new_link(
                source=view.steps[turn].id,
                target=view.steps[pairing.tool].id,
                kind=LinkKind.BRANCH,
                evidence=pairing.evidence,
                detail=f"call {number} of {len(paired)}",
            )


def guard_links(view: RunView) -> Iterator[TraceLink]:
    """From a guard or check to the action that follows it inside the same step, with no model turn between."""
    for siblings in (view.roots, *view.children):
        waiting: list[int] = []
        for i in siblings:
            kind = view.steps[i].kind
            if kind in (StepKind.GUARD, StepKind.VERIFY):
                waiting.append(i)
            elif kind in GUARDED:
                for guard in waiting:
                    yield _guard_link(view, guard, i)
                waiting = []
            elif kind in (StepKind.MODEL_CALL, StepKind.TASK):
                waiting = []


def _guard_link(view: RunView, guard: int, action: int) -> TraceLink:
    """Derived when guard and action were given the same text, else a guess from their order."""
    given = {part.text for part in view.steps[guard].input}
    shared = any(part.text in given for part in view.steps[action].input)
    return new_link(
        source=view.steps[guard].id,
        target=view.steps[action].id,
        kind=LinkKind.GUARDED_BY,
        evidence=Evidence.DERIVED if shared else Evidence.HEURISTIC,
        detail="it was given the same input" if shared else "it is the step before",
    )


def delegation_links(view: RunView) -> Iterator[TraceLink]:
    """From an agent's task to a sub-agent's task inside it, and from a hand-over to the next agent's first step."""
    for i in view.order:
        step, owner = view.steps[i], view.task_of[i]
        if step.kind is StepKind.TASK and owner >= 0 and _another(view, owner, i):
            between = next((a for a in view.ancestors(i) if view.steps[a].kind is not StepKind.LIFECYCLE), owner)
            through = "" if between == owner else f"through {view.steps[between].id} ({view.steps[between].name})"
            yield _delegation(view, owner, i, Evidence.OBSERVED, through)
    for siblings in (view.roots, *view.children):
        yield from _handovers(view, siblings)


def _handovers(view: RunView, siblings: Sequence[int]) -> Iterator[TraceLink]:
    """From a hand-over, or from a task that ends in one, to the next agent's step beside it."""
    pending, through = -1, ""
    for i in siblings:
        step = view.steps[i]
        if pending >= 0 and step.kind is not StepKind.HANDOFF and view.agent_of[i] != view.agent_of[pending]:
            yield _delegation(view, pending, i, Evidence.DERIVED, through)
            pending = -1
        if step.kind is StepKind.HANDOFF:
            pending, through = i, "the first step of the next agent"
        elif step.kind is StepKind.TASK:
            last = _handing_over(view, i)
            pending, through = (i, f"through {last.id} ({last.name})") if last is not None else (-1, "")


def _handing_over(view: RunView, task: int) -> TraceStep | None:
    """The step by which a task hands over, when that is the last thing it does."""
    at = task
    while view.children[at]:
        at = view.children[at][-1]
        step = view.steps[at]
        named = step.kind is StepKind.TOOL_CALL and _HANDOVER.search(step.name) is not None
        if step.kind is StepKind.HANDOFF or named:
            return step
    return None


def _another(view: RunView, owner: int, task: int) -> bool:
    """Whether two nested tasks are two agents, not one episode recorded at two levels (a workflow and its agent)."""
    through = any(
        view.steps[step].kind in (StepKind.TOOL_CALL, StepKind.HANDOFF)
        for step in takewhile(lambda step: step != owner, view.ancestors(task))
    )
    outer, inner = view.agent_of[owner], view.agent_of[task]
    return (bool(outer) and outer != inner) or (through and view.steps[task].name != view.steps[owner].name)


def _delegation(view: RunView, source: int, target: int, evidence: Evidence, detail: str) -> TraceLink:
    return new_link(
        source=view.steps[source].id,
        target=view.steps[target].id,
        kind=LinkKind.DELEGATED_TO,
        evidence=evidence,
        detail=detail,
    )

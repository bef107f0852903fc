"""The walk back: which steps a symptom depends on, and the cheapest way from one of them to it.

One Dijkstra over the links turned round, so near-linear in links. Data, control and state links are the cheapest; the
end of a step inside another is dearer; mere order in time is the last resort.
"""

from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import pairwise

from harnessfix.rules._errors import same_error, short_type
from harnessfix.rules._query import quote
from harnessfix_ir.attribution import Hop
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceLink, TraceStep
from harnessfix_ir.vocabulary import LinkFamily, LinkKind, Status, StepKind

COST = {LinkFamily.DATA: 1.0, LinkFamily.CONTROL: 1.0, LinkFamily.STATE: 1.0, LinkFamily.TEMPORAL: 4.0}
WORDS = 90  # characters of what a step said
CHANGED = 0.5  # of a link along which something was lost: faults travel there
ESCAPES, INSIDE = 0.6, 1.5  # from a step to the one around it: an error on its way out; anything else


@dataclass(frozen=True)
class Edge:
    """One way on from a step: to `target`, as `link` (see `Hop`), with what is known of it."""

    target: str
    link: str
    detail: str = ""


@dataclass
class Slice:
    """What a symptom depends on.

    Args:
        symptom: step id.
        cost: step id to the cost of its cheapest way to the symptom; no entry for a step that does not lead there.
        onward: step id to the first edge of that way.
    """

    symptom: str
    cost: dict[str, float] = field(default_factory=dict)
    onward: dict[str, Edge] = field(default_factory=dict)
    by_order: set[str] = field(default_factory=set)

    def leads(self, step: str | None) -> bool:
        """Whether a chain of links, not mere order in time, goes from `step` to the symptom."""
        return step in self.cost and step not in self.by_order

    def way(self, step: str) -> list[tuple[str, Edge | None]]:
        """Steps from `step` to the symptom, each with the edge to the next one; empty when there is no way."""
        if step not in self.cost:
            return []
        found: list[tuple[str, Edge | None]] = []
        while step != self.symptom:
            edge = self.onward[step]
            found.append((step, edge))
            step = edge.target
        return [*found, (step, None)]


def slice_back(run: Htir, symptom: str) -> Slice:
    """Everything that leads to a step."""
    found = Slice(symptom, {symptom: 0.0})
    queue = [(0.0, symptom)]
    while queue:
        cost, step_id = heappop(queue)
        if cost > found.cost[step_id]:
            continue
        for source, edge, price in _into(run, run.step(step_id)):
            whole = cost + price
            if whole < found.cost.get(source, float("inf")):
                found.cost[source], found.onward[source] = whole, edge
                weak = edge.link == LinkKind.FOLLOWS.value or step_id in found.by_order
                (found.by_order.add if weak else found.by_order.discard)(source)
                heappush(queue, (whole, source))
    return found


def _into(run: Htir, step: TraceStep) -> list[tuple[str, Edge, float]]:
    """Steps that lead directly to `step`, each with the edge and its price."""
    found = [(link.source, Edge(step.id, link.kind.value, link.detail), _price(link)) for link in run.links_to(step.id)]
    for child in run.children(step.id):
        escapes = child.status is Status.ERROR and same_error(step.error, child.error)
        found.append((child.id, Edge(step.id, "inside"), ESCAPES if escapes else INSIDE))
    return found


def _price(link: TraceLink) -> float:
    lossy = link.kind in (LinkKind.TRUNCATED, LinkKind.OMITTED)
    return COST[link.family] * (CHANGED if lossy else 1.0)


def hops(run: Htir, cited: list[str], back: Slice) -> tuple[Hop, ...]:
    """The way from the first of `cited` (steps that a rule names, in its order) through them to the symptom.

    Args:
        run: the run.
        cited: at least one step id; the walk goes on from the last one.
        back: of the symptom.
    """
    chain: list[tuple[str, Edge | None]] = []
    for step, after in pairwise(cited):
        chain.append((step, _between(run, step, after)))
    if back.symptom in cited:
        chain.append((cited[-1], None))
    else:
        chain.extend(back.way(cited[-1]) or [(cited[-1], None)])
    return tuple(
        Hop(
            step=step,
            link=edge.link if edge else "",
            detail=edge.detail if edge else "",
            reason=_said(run, run.step(step)),
        )
        for step, edge in chain
    )


def _between(run: Htir, step: str, after: str) -> Edge:
    links = [link for link in run.links_from(step) if link.target == after]
    if links:
        link = min(links, key=_price)
        return Edge(after, link.kind.value, link.detail)
    return Edge(after, "inside" if run.step(step).parent == after else "cited")


def _said(run: Htir, step: TraceStep) -> str:
    """What happened at a step, in a few words: how it failed, else what it gave."""
    if step.error is not None and step.kind is StepKind.ERROR:
        return f"{short_type(step.error)}: {quote(step.error.message, WORDS)}"
    if step.error is not None:
        return f"ended by {short_type(step.error)}"
    given = [f"{part.name}({run.text(part)})" if part.kind == "tool_call" else run.text(part) for part in step.output]
    return quote(" ".join(text for text in given if text), WORDS)

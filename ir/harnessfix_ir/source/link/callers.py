"""Which calls lead to a function, told by the files that make them."""

from typing import NamedTuple

from harnessfix_ir.source.facts import Call

from .exchange import Told
from .flow import Edge, Flow
from .program import Key, Program, written
from .tables import APPROVAL, CALLERS, GUARDED


class Caller(NamedTuple):
    """A call that may lead to a function.

    Args:
        path, qualname, line: where it stands.
        plain: whether that is what the code plainly says.
        unused: whether nothing is done with the result.
        caught: exception types that are caught around it.
        guarded: whether it stands behind an approval.
    """

    path: str
    qualname: str
    line: int
    plain: bool
    unused: bool
    caught: list[str]
    guarded: bool


def callers(program: Program, key: Key) -> list[Caller]:
    """The calls that may lead to a function, in order of file and source."""
    answers = program.exchange.everywhere(CALLERS, written(key))
    return [Caller(path, *row) for path, rows in answers for row in rows]


def tell_callers(flow: Flow, told: Told) -> None:
    """Tell each function which calls of a file lead to it, and each approval what is called behind it."""
    regions = _regions(flow)
    behind: dict[str, list[tuple[int, int]]] = {}
    for caller, first, last, _ in regions:
        behind.setdefault(caller, []).append((first, last))
    rows: dict[str, list[object]] = {}
    for qualname, edges in flow.edges.items():
        own = behind.get(qualname, ())
        for edge in edges:
            guarded = any(first <= edge.call.line <= last for first, last in own)
            for target in edge.targets:
                call = edge.call
                row = [qualname, call.line, edge.plain, call.unused, call.caught, guarded]
                rows.setdefault(written(target), []).append(row)
    for key, found in rows.items():
        told.share(CALLERS, key, found)
    called: dict[str, list[Key]] = {}
    for caller, first, last, approvals in regions:
        for approval in approvals:
            called.setdefault(written(approval), []).extend(_called(flow.edges.get(caller, []), first, last, approval))
    for key, targets in called.items():
        told.share(GUARDED, key, targets)


def _regions(flow: Flow) -> list[tuple[str, int, int, list[Key]]]:
    """Function, first and last line of what stands behind an approval, and the approvals that it may be."""
    found = []
    for use in flow.facts.uses:
        if use[0] == "guard":
            targets, _ = flow.program.candidates(Call(use[4], use[1], use[2]), flow.facts.path)
            approvals = [target for target in targets if flow.program.exchange.of(APPROVAL, *target) is not None]
            if approvals:
                found.append((use[4], use[3][0], use[3][1], approvals))
    return found


def _called(edges: list[Edge], first: int, last: int, approval: Key) -> list[Key]:
    return [
        target
        for edge in edges
        if first <= edge.call.line <= last
        for target in edge.targets
        if target != approval and not target[1].rpartition(".")[2].startswith("__")
    ]

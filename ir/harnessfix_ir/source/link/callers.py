"""Which calls lead to a function, told by the files that make them."""

from typing import Any, NamedTuple

from harnessfix_ir.source.facts import Call

from .exchange import Told
from .flow import Edge, Flow
from .program import Key, Program, written
from .tables import ANSWERS, APPROVAL, CALLERS, GUARDED, UNUSED


class Callers(NamedTuple):
    """The calls of one file that may lead to a function; no lines, so that moving them changes nothing for it.

    Args:
        caught: exception types that are caught around a call, for every call that differs in them.
        guarded: whether every call stands behind an approval.
    """

    caught: list[list[str]]
    guarded: bool


def callers(program: Program, key: Key) -> list[Callers]:
    """The calls that may lead to a function, by file."""
    return [Callers(*row) for _, row in program.exchange.everywhere(CALLERS, written(key))]


def unused(program: Program, key: Key) -> list[tuple[str, int]]:
    """Path and line of the plain calls of a check that do nothing with the answer, in order of file and source."""
    return [(path, line) for path, lines in program.exchange.everywhere(UNUSED, written(key)) for line in lines]


def tell_callers(flow: Flow, told: Told) -> None:
    """Tell each function which calls of a file lead to it, and each approval what is called behind it."""
    regions = _regions(flow)
    behind: dict[str, list[tuple[int, int]]] = {}
    for caller, first, last, _ in regions:
        behind.setdefault(caller, []).append((first, last))
    caught: dict[str, list[list[str]]] = {}
    free: set[str] = set()
    lines: dict[str, list[Any]] = {}
    for qualname, edges in flow.edges.items():
        own = behind.get(qualname, ())
        for edge in edges:
            call = edge.call
            guarded = any(first <= call.line <= last for first, last in own)
            for target in edge.targets:
                key = written(target)
                if call.caught not in (known := caught.setdefault(key, [])):
                    known.append(call.caught)
                if not guarded:
                    free.add(key)
                if call.unused and edge.plain and flow.program.exchange.of(ANSWERS, *target) is not None:
                    lines.setdefault(key, []).append(call.line)
    for key, found in caught.items():
        told.share(CALLERS, key, [*Callers(found, key not in free)])
    for key, places in lines.items():
        told.share(UNUSED, key, places)
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

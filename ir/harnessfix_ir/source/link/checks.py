"""Checks whose answer nobody reads, and what is reached only behind an approval."""

from harnessfix_ir.source.facts import Call
from harnessfix_ir.vocabulary import ElementRole, Evidence

from .flow import Edge, Flow
from .program import Key


def link_verifiers(flow: Flow, callers: dict[Key, list[Edge]]) -> None:
    """`result-unused-at`: calls of an answering check that do nothing with the answer."""
    for facts, draft in flow.program.drafts(ElementRole.VERIFIER):
        if not draft.get("answers"):
            continue
        edges = [e for e in callers.get((facts.path, draft.qualname), ()) if e.plain and e.call.unused]
        here = [e.call.line for e in edges if e.path == facts.path]
        elsewhere = [f"{e.path}:{e.call.line}" for e in edges if e.path != facts.path]
        draft.note("result-unused-at", [*here, *elsewhere], here[0] if here else 0, Evidence.DERIVED)


def link_approvals(flow: Flow, callers: dict[Key, list[Edge]]) -> None:
    """`guards`: functions of the harness whose every call stands behind the approval."""
    approvals = {(facts.path, d.qualname): d for facts, d in flow.program.drafts(ElementRole.APPROVAL)}
    behind: dict[Key, list[tuple[Key, int, int]]] = {}
    for facts in flow.program.files.values():
        for use in facts.uses:
            if use[0] != "guard":
                continue
            targets, _ = flow.program.candidates(Call(use[4], use[1], use[2]), facts.path)
            for target in targets:
                if target in approvals:
                    behind.setdefault(target, []).append(((facts.path, use[4]), use[3][0], use[3][1]))
    regions: dict[Key, list[tuple[int, int]]] = {}
    for places in behind.values():
        for caller, first, last in places:
            regions.setdefault(caller, []).append((first, last))
    for key, places in behind.items():
        found: dict[str, None] = {}
        for caller, first, last in places:
            for edge in flow.edges.get(caller, ()):
                if first <= edge.call.line <= last:
                    for target in edge.targets:
                        dunder = target[1].rpartition(".")[2].startswith("__")
                        if target != key and not dunder and _always_guarded(callers.get(target, []), regions):
                            found[f"{target[0]}:{target[1]}"] = None
        approvals[key].note("guards", [*found], 0, Evidence.DERIVED)


def _always_guarded(edges: list[Edge], regions: dict[Key, list[tuple[int, int]]]) -> bool:
    return all(
        any(first <= e.call.line <= last for first, last in regions.get((e.path, e.call.caller), ())) for e in edges
    )

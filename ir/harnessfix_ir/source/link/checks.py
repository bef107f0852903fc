"""Checks whose answer nobody reads, and what is reached only behind an approval."""

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.vocabulary import ElementRole, Evidence

from .callers import callers, unused
from .flow import Flow
from .program import written
from .tables import GUARDED


def link_verifiers(flow: Flow) -> None:
    """`result-unused-at`: calls of an answering check that do nothing with the answer."""
    path = flow.facts.path
    for draft in flow.facts.drafts:
        if draft.role is not ElementRole.VERIFIER or not draft.get("answers"):
            continue
        places = unused(flow.program, (path, draft.qualname))
        here = [line for place, line in places if place == path]
        elsewhere = [f"{place}:{line}" for place, line in places if place != path]
        draft.note("result-unused-at", [*here, *elsewhere], here[0] if here else 0, Evidence.DERIVED)


def link_approvals(flow: Flow) -> None:
    """`guards`: functions of the harness whose every call stands behind the approval."""
    approvals: dict[str, Draft] = {d.qualname: d for d in flow.facts.drafts if d.role is ElementRole.APPROVAL}
    for qualname, draft in approvals.items():
        answers = flow.program.exchange.everywhere(GUARDED, written((flow.facts.path, qualname)))
        behind = dict.fromkeys((path, name) for _, targets in answers for path, name in targets)
        guarded = [key for key in behind if all(calls.guarded for calls in callers(flow.program, key))]
        draft.note("guards", [*map(written, guarded)], 0, Evidence.DERIVED)

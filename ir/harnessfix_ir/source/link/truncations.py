"""Cuts made by functions of the harness: what they keep is known from their own slices."""

from harnessfix_ir.source.facts import Call, Draft
from harnessfix_ir.vocabulary import ElementRole, Evidence

from .program import Key, Program

_SHARED = ("keeps", "marker", "limit-value", "unit")


def link_truncations(program: Program) -> None:
    """Give calls of truncating functions the facts of the cut that they make."""
    inside: dict[Key, Draft] = {}
    for facts, draft in program.drafts(ElementRole.TRUNCATION):
        if draft.get("call") is None:
            inside.setdefault((facts.path, draft.qualname), draft)
    for facts, draft in program.drafts(ElementRole.TRUNCATION):
        name = draft.get("call")
        if not isinstance(name, str):
            continue
        targets, plain = program.candidates(Call(draft.qualname, name, draft.start), facts.path)
        cut = inside.get(targets[0]) if targets and plain else None
        if cut is None:
            continue
        for fact in _SHARED:
            if draft.get(fact) is None and cut.get(fact) is not None:
                draft.add(fact, cut.get(fact), 0, Evidence.DERIVED)

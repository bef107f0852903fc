"""Cuts made by functions of the harness: what they keep is known from their own slices."""

from harnessfix_ir.source.facts import Call, FileFacts
from harnessfix_ir.vocabulary import ElementRole, Evidence

from .program import Program
from .tables import CUT


def link_truncations(program: Program, facts: FileFacts) -> None:
    """Give a file's calls of truncating functions the facts of the cut that they make."""
    for draft in facts.drafts:
        name = draft.get("call") if draft.role is ElementRole.TRUNCATION else None
        if not isinstance(name, str):
            continue
        targets, plain = program.candidates(Call(draft.qualname, name, draft.start), facts.path)
        cut = program.exchange.of(CUT, *targets[0]) if targets and plain else None
        for fact, value in (cut or {}).items():
            if draft.get(fact) is None:
                draft.add(fact, value, 0, Evidence.DERIVED)

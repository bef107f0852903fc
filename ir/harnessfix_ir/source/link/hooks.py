"""In which order hooks run: a loop over a collection runs what was put into it, first to last."""

from harnessfix_ir.source.expressions import last
from harnessfix_ir.source.facts import FileFacts
from harnessfix_ir.source.words import hook_word
from harnessfix_ir.vocabulary import ElementRole, Evidence

from .program import Program
from .tables import HOOK

MOST = 32


def link_hooks(program: Program, facts: FileFacts) -> None:
    """Tell hooks that are called from a collection what is registered there, in order.

    Derived when one function registers all of it; a guess when several do, since which runs first is not seen.
    """
    for draft in facts.drafts:
        collection = draft.get("calls-each-of") if draft.role is ElementRole.HOOK else None
        if not isinstance(collection, str):
            continue
        answers = program.exchange.everywhere(HOOK, hook_word(last(collection)))
        known = [(name, path, function) for path, rows in answers for name, function in rows]
        if known:
            one_place = len({(path, function) for _, path, function in known}) == 1
            order = [name for name, _, _ in known[:MOST]]
            draft.add("in-order", [*order], 0, Evidence.DERIVED if one_place else Evidence.HEURISTIC)

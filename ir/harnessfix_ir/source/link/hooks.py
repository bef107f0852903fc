"""In which order hooks run: a loop over a collection runs what was put into it, first to last."""

from harnessfix_ir.source.expressions import last
from harnessfix_ir.source.words import hook_word
from harnessfix_ir.vocabulary import ElementRole, Evidence

from .program import Program

MOST = 32


def link_hooks(program: Program) -> None:
    """Tell hooks that are called from a collection what is registered there, in order.

    Derived when one function registers all of it; a guess when several do, since which runs first is not seen.
    """
    registered: dict[str, list[tuple[str, str, str]]] = {}
    for facts in program.files.values():
        for use in facts.uses:
            if use[0] == "hook":
                registered.setdefault(use[1], []).append((use[2], facts.path, use[4]))
    for _, draft in program.drafts(ElementRole.HOOK):
        collection = draft.get("calls-each-of")
        known = registered.get(hook_word(last(collection))) if isinstance(collection, str) else None
        if known:
            one_place = len({(path, function) for _, path, function in known}) == 1
            order = [name for name, _, _ in known[:MOST]]
            draft.add("in-order", [*order], 0, Evidence.DERIVED if one_place else Evidence.HEURISTIC)

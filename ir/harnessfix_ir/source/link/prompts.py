"""Where templates are rendered, what is never supplied to them, and which text files are prompts at all."""

import re

from harnessfix_ir.source.facts import Draft, FileFacts
from harnessfix_ir.source.places import USES, Place, refer
from harnessfix_ir.vocabulary import ElementRole, Evidence

from .program import Program
from .tables import FILE, RENDER


def link_prompts(program: Program, facts: FileFacts) -> None:
    """Add `rendered-at` and `unsupplied` to a file's prompts; drop a text file that no code names."""
    named = bool(program.exchange.everywhere(FILE, facts.path.rpartition("/")[2]))
    facts.drafts = [draft for draft in facts.drafts if named or not _unconfirmed(draft)]
    for draft in facts.drafts:
        if draft.role is ElementRole.PROMPT:
            draft.facts = [fact for fact in draft.facts if fact[0] != "unconfirmed"]
            _rendered(draft, facts.path, program)


def _unconfirmed(draft: Draft) -> bool:
    return draft.role is ElementRole.PROMPT and bool(draft.get("unconfirmed"))


def _rendered(draft: Draft, path: str, program: Program) -> None:
    answers = program.exchange.everywhere(RENDER, draft.name)
    places: list[tuple[str, int, list[str] | None]] = [(file, *row) for file, rows in answers for row in rows]
    if "_" not in draft.name.strip("_"):
        # `prompt` or `template` is what every function calls its own.
        places = [place for place in places if place[0] == path]
    if not places:
        return
    refer(draft, "rendered-at", (Place(file, USES, number) for file, number, _ in places))
    supplied = [names for _, _, names in places]
    placeholders = draft.get("placeholders")
    if draft.get("engine") not in ("format", "jinja") or any(names is None for names in supplied):
        return
    if isinstance(placeholders, list):
        given = {name for names in supplied for name in names or ()}
        missing = [p for p in placeholders if (root := re.split(r"[.\[]", str(p))[0]) not in given and root]
        draft.note("unsupplied", missing, 0, Evidence.DERIVED)

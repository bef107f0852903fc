"""Where templates are rendered, what is never supplied to them, and which text files are prompts at all."""

import re

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.vocabulary import ElementRole, Evidence

from .program import Program


def link_prompts(program: Program) -> None:
    """Add `rendered-at` and `unsupplied`; drop text files that no code names."""
    renders: dict[str, list[tuple[str, int, list[str] | None]]] = {}
    named_files: set[str] = set()
    for facts in program.files.values():
        for use in facts.uses:
            if use[0] == "render":
                renders.setdefault(use[1], []).append((facts.path, use[2], use[3]))
            elif use[0] == "file":
                named_files.add(use[1].replace("\\", "/").rpartition("/")[2])
    for facts in program.files.values():
        facts.drafts = [d for d in facts.drafts if not _stray(d, facts.path, named_files)]
        for draft in facts.drafts:
            if draft.role is ElementRole.PROMPT:
                draft.facts = [fact for fact in draft.facts if fact[0] != "unconfirmed"]
                _rendered(draft, facts.path, renders)


def _stray(draft: Draft, path: str, named: set[str]) -> bool:
    return draft.role is ElementRole.PROMPT and bool(draft.get("unconfirmed")) and path.rpartition("/")[2] not in named


def _rendered(draft: Draft, path: str, renders: dict[str, list[tuple[str, int, list[str] | None]]]) -> None:
    places = renders.get(draft.name, [])
    if "_" not in draft.name.strip("_"):
        # `prompt` or `template` is what every function calls its own.
        places = [place for place in places if place[0] == path]
    if not places:
        return
    draft.add("rendered-at", [f"{place}:{line}" for place, line, _ in places], 0, Evidence.DERIVED)
    supplied = [names for _, _, names in places]
    placeholders = draft.get("placeholders")
    if draft.get("engine") not in ("format", "jinja") or any(names is None for names in supplied):
        return
    if isinstance(placeholders, list):
        given = {name for names in supplied for name in names or ()}
        missing = [p for p in placeholders if (root := re.split(r"[.\[]", str(p))[0]) not in given and root]
        draft.note("unsupplied", missing, 0, Evidence.DERIVED)

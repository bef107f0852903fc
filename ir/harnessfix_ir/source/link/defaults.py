"""Which containers of a class each of its objects gets for itself, because a base of the class copies them."""

import re

from harnessfix_ir.source.facts import FileFacts
from harnessfix_ir.vocabulary import ElementRole

from .program import Program

_COPIES = re.compile(r"(^|\.)(BaseModel|BaseSettings|RootModel|GenericModel|SQLModel|Struct|NamedTuple|TypedDict)$")


def link_defaults(program: Program, facts: FileFacts) -> None:
    """Take back that objects share a container where an ancestor of their class copies its defaults for each of them.

    A file alone knows the bases that are written in it; `class Notes(Record)` may be a pydantic model all the same.
    """
    for draft in facts.drafts:
        if draft.get("mutable-class-attributes") and _is_copied(program, facts.path, draft.qualname):
            draft.replace("mutable-class-attributes", None)
    facts.drafts[:] = [
        draft
        for draft in facts.drafts
        if draft.role is not ElementRole.HAZARD
        or draft.get("whose") != "class"
        or not _is_copied(program, facts.path, draft.qualname)
    ]


def _is_copied(program: Program, path: str, qualname: str) -> bool:
    known = (program.class_(key) for key in program.ancestors((path, qualname)))
    return any(_COPIES.search(base) for class_ in known if class_ is not None for base in class_.bases)

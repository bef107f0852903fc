"""Which counters stand still: an attribute that begins at a number, and that no file moves."""

from harnessfix_ir.source.facts import FileFacts
from harnessfix_ir.vocabulary import ElementRole

from .program import Key, Program
from .tables import MOVES, STARTS


def link_counters(program: Program, facts: FileFacts) -> None:
    """Take back that a limit's counter stands still where some file moves it, or where none says what it begins at."""
    for draft in facts.drafts:
        name = draft.get("stands-still") if draft.role is ElementRole.LIMIT else None
        counter = str(draft.get("counter"))
        if isinstance(name, str) and "." in counter:
            family = _family(program, (facts.path, draft.qualname)) if counter == f"self.{name}" else None
            if _moved(program, name, family) or not program.exchange.everywhere(STARTS, name):
                draft.replace("stands-still", None)


def _family(program: Program, method: Key) -> set[Key]:
    """The class that a method is of, its bases and its subclasses."""
    known = program.function(method)
    owner = (method[0], known.owner) if known is not None else method
    return {*program.ancestors(owner), *program.descendants(owner)}


def _moved(program: Program, name: str, family: set[Key] | None) -> bool:
    """Whether something moves a counter; of one's own only what is of the family does, and whoever reaches into it."""
    for path, classes in program.exchange.everywhere(MOVES, name):
        if any(family is None or not owner or (path, owner) in family for owner in classes):
            return True
    return False

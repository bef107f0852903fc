"""Places in other files without their lines.

A fact such as `read-at` names lines of other files. Files tell each other which of a file's places it is, and the line
is looked up when the document is made: a line that moves changes nothing for those who name it.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from harnessfix_ir.vocabulary import ElementRole, Evidence

from .facts import Draft, FileFacts

USES = ""
"""Kind of the lines on which code uses what other files hold; imports are of the kind that their package is called."""
PLACES, PLACE = -1, -2
"""Stand for the line of a fact whose value is a list of places, or one."""
_LINE_AT = {"render": 2, "config": 5, "param": 6, "kwargs": 3}
"""By kind of use, where in its row the line is; uses of other kinds are not named by other files."""


class Place(NamedTuple):
    """One of the places of a file: the how-manieth of a kind, from 0."""

    path: str
    kind: str
    number: int


def places_of(facts: FileFacts) -> dict[str, list[int]]:
    """The lines of a file's places by kind, before linking drops any of its imports."""
    found: dict[str, list[int]] = {}
    uses = [*dict.fromkeys(row[_LINE_AT[row[0]]] for row in facts.uses if row[0] in _LINE_AT)]
    if uses:
        found[USES] = uses
    for draft in facts.drafts:
        if is_import(draft):
            found.setdefault(draft.name, []).append(draft.start)
    return found


def numbered(uses: Iterable[list[Any]]) -> Iterator[tuple[int, list[Any]]]:
    """The uses of a file, each with the number of its place; uses on one line share it."""
    numbers: dict[int, int] = {}
    for row in uses:
        at = _LINE_AT.get(row[0])
        yield (-1 if at is None else numbers.setdefault(row[at], len(numbers))), row


def is_import(draft: Draft) -> bool:
    """Whether an element is an import, and not a declaration, of a package."""
    return draft.role is ElementRole.DEPENDENCY and not draft.get("declared")


def refer(draft: Draft, name: str, places: Iterable[Place]) -> None:
    """Add a fact that names places."""
    draft.add(name, [[*place] for place in places], PLACES, Evidence.DERIVED)

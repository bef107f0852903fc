"""L117: a copy is changed, and the original changes with it."""

from collections.abc import Mapping

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules._query import names
from harnessfix.rules.base import Example
from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_STATE = """\
from copy import copy
from dataclasses import dataclass, field


@dataclass
class State:
    turn: int = 0
    notes: list = field(default_factory=list)

    def remember(self, note):
        self.notes.append(note)

    def next(self, note):
        following = copy(self)
        following.turn += 1
        following.remember(note)
        return following
"""


class SharedCopy(HazardRule):
    code = "L117"
    name = "shared-copy"
    keeps = Property.ISOLATION
    severity = Severity.ERROR
    summary = "A shallow copy shares its lists and dictionaries with the original, and one of them is changed in place."
    why = (
        "The copy was made so that the original stays as it was: the state before a step, the usage of one run, the "
        "settings of one agent. Its inner containers are the same objects, so that runs see each other's entries and "
        "totals count twice."
    )
    fix = "Copy the containers that are changed too (`copy.deepcopy`, `replace(old, notes=[*old.notes])`, `__copy__`)."
    references = (
        "https://github.com/pydantic/pydantic-ai/pull/4606",
        "https://docs.python.org/3/library/copy.html",
    )
    operator = "copy-inside"
    hazard = "shared-copy"
    confidence = 0.75
    reason = "copies the outside only"
    bad = Example(files={"state.py": _STATE})
    good = edited(
        bad,
        "state.py",
        ("        following.turn += 1\n", "        following.turn += 1\n        following.notes = list(self.notes)\n"),
    )

    def parameters(self, element: Element) -> Mapping[str, JsonValue]:
        return {"changes": [str(name) for name in names(element.value("changes"))]}

    def words(self, element: Element) -> str:
        shared = ", ".join(f"`{name}`" for name in names(element.value("changes"))[:3])
        return (
            f"{element.anchor.qualname} makes a shallow copy of {element.value('of')} at {element.anchor.place} and "
            f"then changes {shared} of it in place: the original changes too."
        )

"""What a mutator is: it knows one good behaviour, and takes it out."""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Literal

from harnessfix_ir.vocabulary import Layer

from .source import Edit, Source, parsed


class Mutator(ABC):
    """Takes one good behaviour out of a harness.

    Attributes:
        name: in kebab case.
        layer: of the harness on which that behaviour lies.
        causes: codes of the rules that name its absence rightly. More than one where the catalogue has a general
            and a special name for the same thing.
        operators: those that would bring it back.
        suffixes: files it looks at.
        ends_runs: whether it does harm only where a task ends otherwise than before: elsewhere somebody further out
            contains what is no longer contained here.
        shown_by: the tasks that are tried first, of those that reach the place: those that go where few others do
            (`rare`), that take most steps (`long`), since what bounds a run is missed in no other, or in which most
            requests fail (`failing`), since nothing is tried again in others.
        told_to_model: whether it does harm only where a request holds something else than before, or a task ends so.
        harms_from: characters that the longest request must grow by before the flaw does harm; 0 where any change is.
    """

    name: ClassVar[str]
    layer: ClassVar[Layer]
    causes: ClassVar[frozenset[str]]
    operators: ClassVar[frozenset[str]]
    suffixes: ClassVar[tuple[str, ...]] = (".py",)
    ends_runs: ClassVar[bool] = False
    shown_by: ClassVar[Literal["rare", "long", "failing"]] = "rare"
    told_to_model: ClassVar[bool] = False
    harms_from: ClassVar[int] = 0

    @abstractmethod
    def edits(self, text: str) -> Iterator[Edit]:
        """Every place of a file where the behaviour can be taken out."""


class PythonMutator(Mutator):
    """One that looks at Python files."""

    def edits(self, text: str) -> Iterator[Edit]:
        """Every place; none in a file that is not Python."""
        try:
            source = parsed(text)
        except (SyntaxError, ValueError):
            return
        yield from self.find(source)

    @abstractmethod
    def find(self, source: Source) -> Iterator[Edit]:
        """Every place of a parsed file."""


def all_mutators() -> list[Mutator]:
    """One of each class in `mutators/`, by name."""
    from . import mutators

    for module in pkgutil.iter_modules(mutators.__path__):
        importlib.import_module(f"{mutators.__name__}.{module.name}")
    pending: list[type[Mutator]] = [Mutator]
    found: list[Mutator] = []
    while pending:
        for cls in pending.pop().__subclasses__():
            pending.append(cls)
            if hasattr(cls, "name"):
                found.append(cls())
    return sorted(found, key=lambda mutator: mutator.name)

"""What runs only because a module is imported: set apart, since every run of the program goes through it.

An import ends with the last statement of the module, where the instrumented code says so; one that fails says nothing,
and what the interpreter notes on its spec tells that it is over.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

    from .reached import Reached


class Imports:
    """The imports that are under way; of one inside another the outer one counts.

    Args:
        reached: holds the marks.
    """

    def __init__(self, reached: Reached) -> None:
        self._reached = reached
        self._open: list[tuple[str, ModuleSpec]] = []
        self._before: dict[str, bytes] = {}
        self._asked = False

    def begins(self, place: str, spec: ModuleSpec) -> None:
        """A module of the plan is about to run; one that nobody imports, such as the program itself, is left out."""
        if not _under_way(spec):
            return
        self._open = [each for each in self._open if _under_way(each[1])]
        if not self._open:
            self._before, self._asked = self._reached.marked(), False
        self._open.append((place, spec))

    def ended(self, place: str) -> None:
        """The last statement of a module was reached."""
        if not any(each[0] == place for each in self._open):
            return
        while self._open.pop()[0] != place:
            pass
        self._open = [each for each in self._open if _under_way(each[1])]
        if not self._open and not self._asked:
            self._reached.set_apart(self._before)

    def asks(self) -> None:
        """A model is asked: what is imported is the program, which runs."""
        self._asked = True


def _under_way(spec: ModuleSpec) -> bool:
    return bool(getattr(spec, "_initializing", False))

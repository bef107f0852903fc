"""What runs only because a module is imported: set apart, since every run of the program goes through it.

An import ends with the last statement of the module, where the instrumented code says so; one that fails says nothing,
and what the interpreter notes on its spec tells that it is over.
"""

from __future__ import annotations

from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

    from .reached import Reached


class Imports:
    """The imports that are under way in each thread; of one inside another the outer one counts.

    Args:
        reached: holds the marks.
    """

    def __init__(self, reached: Reached) -> None:
        self._reached = reached
        self._threads: dict[int, _Outermost] = {}

    def begins(self, place: str, spec: ModuleSpec) -> None:
        """A module of the plan is about to run; one that nobody imports, such as the program itself, is left out."""
        if not _under_way(spec):
            return
        outermost = self._threads.get(get_ident())
        if outermost is None or not outermost.goes_on():
            outermost = self._threads[get_ident()] = _Outermost(self._reached.marked())
        outermost.modules.append((place, spec))

    def ended(self, place: str) -> None:
        """The last statement of a module was reached."""
        outermost = self._threads.get(get_ident())
        if outermost is None or not outermost.leave(place) or outermost.goes_on():
            return
        del self._threads[get_ident()]
        if not outermost.asked:
            self._reached.set_apart(outermost.before)

    def asks(self) -> None:
        """A model is asked: what is imported is the program, which runs."""
        for outermost in list(self._threads.values()):
            outermost.asked = True


class _Outermost:
    """An import, and those that it led to.

    Args:
        before: the marks when it began.
    """

    __slots__ = ("asked", "before", "modules")

    def __init__(self, before: dict[str, bytes]) -> None:
        self.before = before
        self.modules: list[tuple[str, ModuleSpec]] = []
        self.asked = False

    def leave(self, place: str) -> bool:
        """A module is done, and with it all that began after it; whether it is one of these."""
        places = [each for each, _ in self.modules]
        if place not in places:
            return False
        del self.modules[places.index(place) :]
        return True

    def goes_on(self) -> bool:
        """Whether any is still under way: one that failed is not, though its last statement was never reached."""
        self.modules = [each for each in self.modules if _under_way(each[1])]
        return bool(self.modules)


def _under_way(spec: ModuleSpec) -> bool:
    return bool(getattr(spec, "_initializing", False))

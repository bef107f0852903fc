"""Reach: which functions of a harness can have run, and how many calls away they are from one's own code.

A framework brings a class for every provider and for every sort of tool; a program makes objects of a few of them. A
function can have run when it is called, by a name that leads to it, from a function that can; or when it is a method of
a class that such a function makes an object of. (Rapid type analysis: Bacon and Sweeney, OOPSLA 1996.)

A framework also brings much of what it does twice: to call, and to await. A program has a use for one of the two.
"""

import re
from collections.abc import Iterable, Sequence

from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.vocabulary import ElementRole

_AWAITED = re.compile(r"(?P<own>_*)(?:(?:a|async_)(?P<first>[a-z]\w*)|(?P<last>\w+)_async)")


class Reach:
    """Distances from one's own code: the functions and modules below the root that was named first.

    Args:
        model: the harness.
    """

    def __init__(self, model: HarnessModel) -> None:
        self._called = model.called
        self._classes: dict[str, list[str]] = {}
        for element in model.of_role(ElementRole.CLASS):
            bases = element.value("bases")
            named = [_last(str(base)) for base in bases] if isinstance(bases, list) else []
            self._classes.setdefault(element.name, []).extend(named)
        self._methods: dict[str, list[str]] = {}
        self._inner: dict[str, list[str]] = {}
        functions = [
            (element.anchor.symbol, element.value("method-of")) for element in model.of_role(ElementRole.FUNCTION)
        ]
        known = {place for place, _ in functions}
        for place, owner in functions:
            if isinstance(owner, str):
                self._methods.setdefault(_last(owner), []).append(place)
            outer = place.rpartition(".")[0]
            if outer in known:
                self._inner.setdefault(outer, []).append(place)
        own = {file.path for file in model.files if not file.base}
        self._awaits = any(
            element.value("async") for element in model.of_role(ElementRole.FUNCTION) if element.anchor.path in own
        )
        starts = [place for place, owner in functions if owner is None and _file(place) in own]
        starts += [place for place in self._called if place.endswith(":<module>") and _file(place) in own]
        self._far = self._walk(starts)

    def distance(self, element: Element) -> int | None:
        """Calls between one's own code and the function that holds an element; None where none lead there."""
        return self._far.get(element.anchor.symbol)

    def nearest(self, elements: Iterable[Element]) -> list[Element]:
        """Those that can have run, nearest first; all of them where that is so of none."""
        given = list(elements)
        reached = [(far, element) for element in given if (far := self.distance(element)) is not None]
        return [element for _, element in sorted(reached, key=lambda pair: pair[0])] or given

    def few(self, elements: Iterable[Element], most: int) -> list[Element]:
        """The nearest of them, at most so many; none where more are as near as each other.

        Where there would be none, those are left out that have a twin of the sort that one's own code uses.
        """
        given = list(elements)
        return self._few(given, most) or self._few(self._of_one_sort(given), most)

    def _few(self, elements: Iterable[Element], most: int) -> list[Element]:
        found = self.nearest(elements)
        while len(found) > most:  # whole distances go, the farthest first
            farthest = self.distance(found[-1])
            found = [element for element in found if self.distance(element) != farthest]
        return found

    def _of_one_sort(self, elements: Sequence[Element]) -> list[Element]:
        names = {element.anchor.symbol for element in elements}
        awaited = {symbol for symbol in names if _to_call(symbol) in names}
        left_out = {_to_call(symbol) for symbol in awaited} if self._awaits else awaited
        return [element for element in elements if element.anchor.symbol not in left_out]

    def _walk(self, starts: Iterable[str]) -> dict[str, int]:
        far = dict.fromkeys(starts, 0)
        made: set[str] = set()
        pending = list(far)
        for place in pending:  # grows while it is walked
            names, next_far = [], far[place] + 1
            reached = [*self._inner.get(place, ()), f"{_file(place)}:<module>"]
            for name, called in self._called.get(place, ()):
                reached.append(called)
                names.append(name)
            for name in names:  # grows while it is walked
                if name in self._classes and name not in made:
                    made.add(name)
                    reached.extend(self._methods.get(name, ()))
                    names.extend(self._classes[name])
            for other in reached:
                if other and other not in far:
                    far[other] = next_far
                    pending.append(other)
        return far


def _to_call(symbol: str) -> str:
    """What the twin of a function to await is called: `Model.invoke` of `Model.ainvoke`, empty for other names."""
    before, dot, name = symbol.rpartition(".")
    twin = _AWAITED.fullmatch(name)
    return f"{before}{dot}{twin['own'] or ''}{twin['first'] or twin['last']}" if twin else ""


def _file(place: str) -> str:
    return place.rpartition(":")[0]


def _last(name: str) -> str:
    return name.rpartition(".")[2]

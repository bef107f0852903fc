"""Functions that a run went through, and what of them ran.

Of a failed run that nothing explains this is all that is known of the cause.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field

from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.names import words_in
from harnessfix_ir.reached import Reached
from harnessfix_ir.vocabulary import ElementRole

NO_PART = (ElementRole.FUNCTION, ElementRole.CLASS)


@dataclass
class Visited:
    """A function that a run went through.

    Args:
        element: it.
        words: what it speaks of: the words of its own name, its parameters and the functions that it calls.
        names: those of the program that stand in what ran of it.
        asked: those of them that stand in conditions that ran.
        ran: number of straight stretches of it that ran, those of nested functions too.
        met: elements in it that ran, by what they do.
    """

    element: Element
    words: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    ran: int = 0
    met: Counter[ElementRole] = field(default_factory=Counter)

    @property
    def symbol(self) -> tuple[str, str]:
        """Path and qualified name."""
        return self.element.anchor.path, self.element.anchor.qualname

    @property
    def order(self) -> tuple[int, str]:
        """Of two that weigh the same, the longer first."""
        anchor = self.element.anchor
        return anchor.start_line - anchor.end_line, self.element.id


def visited(run: Htir, model: HarnessModel) -> Iterator[Visited]:
    """The functions that ran in the run itself, and not only while modules were imported."""
    program = frozenset(run.run.program)
    for path, marks in sorted(run.reached.items()):
        reached = marks.without_imports()
        if reached.hit:
            yield from _in_file(model, path, reached, program)


def _in_file(model: HarnessModel, path: str, reached: Reached, program: Set[str]) -> Iterator[Visited]:
    functions: list[Element] = []
    others: list[Element] = []
    for element in model.in_file(path):
        (functions if element.role is ElementRole.FUNCTION else others).append(element)
    around = _Innermost(functions)
    found: dict[str, Visited] = {}
    for line in reached.hit:
        function = around(line)
        if function is not None and function.anchor.qualname not in found:
            found[function.anchor.qualname] = _visited(function, model, reached, program)
    for element in others:
        holder = found.get(element.anchor.qualname)
        if holder is None or element.role in NO_PART:
            continue
        if reached.ran(element.anchor.start_line):
            holder.met[element.role] += 1
    yield from found.values()


def _visited(function: Element, model: HarnessModel, reached: Reached, program: Set[str]) -> Visited:
    anchor = function.anchor
    ran = bisect_right(reached.hit, anchor.end_line) - bisect_left(reached.hit, anchor.start_line)
    return Visited(
        function,
        _words_of(function, model),
        names_that_ran(function.value("names"), program, reached),
        names_that_ran(function.value("asks"), program, reached),
        ran,
    )


def names_that_ran(names: object, program: Set[str], reached: Reached) -> frozenset[str]:
    """Those of some names among the ones of a function, each with its lines, that stand on a line that ran."""
    if not isinstance(names, dict):
        return frozenset()
    return frozenset(name for name in program & names.keys() if any(map(reached.ran, names[name])))


def _words_of(function: Element, model: HarnessModel) -> frozenset[str]:
    anchor = function.anchor
    called = (name for name, _ in model.called.get(f"{anchor.path}:{anchor.qualname}", ()))
    params = function.value("params")
    names = [anchor.qualname, *called, *(params if isinstance(params, (list, tuple)) else ())]
    return frozenset(word for name in names for word in words_in(str(name)))


class _Innermost:
    """Finds the innermost of some functions around a line."""

    def __init__(self, functions: Iterable[Element]) -> None:
        self._functions = sorted(functions, key=lambda e: (e.anchor.start_line, -e.anchor.end_line))
        self._starts = [function.anchor.start_line for function in self._functions]
        self._outer: list[int] = []
        for function in self._functions:
            self._outer.append(self._holding(len(self._outer) - 1, function.anchor.start_line))

    def __call__(self, line: int) -> Element | None:
        at = self._holding(bisect_right(self._starts, line) - 1, line)
        return self._functions[at] if at >= 0 else None

    def _holding(self, at: int, line: int) -> int:
        """The function `at`, or the nearest one around it that goes on to `line`; -1 for none."""
        while at >= 0 and self._functions[at].anchor.end_line < line:
            at = self._outer[at]
        return at

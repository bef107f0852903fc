"""Functions that a run went through, and how much each has to do with what the run did.

Of a failed run that nothing explains this is all that is known of the cause.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import log, log1p

from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.names import words_in
from harnessfix_ir.reached import Reached
from harnessfix_ir.vocabulary import ElementRole

# Fitted on 85 fixed bugs of fifteen frameworks (`benchmarks/README.md`): how much more often the fix is in a function
# where a thing is so, and by the share of all that, how often it is there.
MET, RAN, LONG, MADE = 1.67, 0.66, 1.27, 1.12
SPOKEN, NAMED, FILED = 0.89, 0.81, 0.44
LONG_LINES = 100
NO_PART = (ElementRole.FUNCTION, ElementRole.CLASS)


@dataclass
class Visited:
    """A function that a run went through.

    Args:
        element: it.
        words: what it speaks of: the words of its own name, its parameters and the functions that it calls.
        ran: number of straight stretches of it that ran.
        met: elements in it that ran, by what they do.
    """

    element: Element
    words: frozenset[str] = frozenset()
    ran: int = 0
    met: Counter[ElementRole] = field(default_factory=Counter)

    @property
    def weight(self) -> float:
        """How much this run had to do with it: the sorts of elements, and the stretches, of it that ran.

        Those that only start others, and those that only make objects, are long and touch everything.
        """
        anchor = self.element.anchor
        over = max(0.0, log((anchor.end_line - anchor.start_line + 1) / LONG_LINES))
        makes = anchor.qualname.endswith("__init__")
        return MET * log1p(len(self.met)) + RAN * log1p(self.ran) - LONG * over - MADE * makes

    @property
    def order(self) -> tuple[int, str]:
        """Of two that weigh the same, the longer first."""
        anchor = self.element.anchor
        return anchor.start_line - anchor.end_line, self.element.id


class Matter:
    """How much functions have to do with what a program speaks of; words that few of them have count more.

    Bug reports are matched with files in this way (Zhou, Zhang and Lo, 2012). The report here is the program.

    Args:
        program: words of the names that it uses.
        functions: those that the run went through.
    """

    def __init__(self, program: Iterable[str], functions: Sequence[Visited]) -> None:
        self._program = frozenset(program)
        self._functions = _Rarity(function.words for function in functions)
        files = {function.element.anchor.path for function in functions}
        self._files = _Rarity(_file_words(path) for path in files)

    def words(self, function: Visited) -> list[str]:
        """Words that both speak of, the rarest first."""
        return sorted(function.words & self._program, key=lambda word: (-self._functions(word), word))

    def weight(self, function: Visited) -> float:
        """How much more likely the cause is in it for that."""
        anchor = function.element.anchor
        own = words_in(anchor.qualname)
        spoken = sum(max(0.0, self._functions(word)) for word in function.words & self._program)
        named = sum(self._functions(word) for word in own & self._program) / (1 + len(own))
        filed = sum(max(0.0, self._files(word)) for word in _file_words(anchor.path) & self._program)
        return SPOKEN * log1p(spoken) + NAMED * named + FILED * log1p(filed)


class _Rarity:
    """How rare words are in some sets of words: the logarithm of how many sets there are for each that has it."""

    def __init__(self, sets: Iterable[frozenset[str]]) -> None:
        self._all = list(sets)
        self._counts = Counter(word for words in self._all for word in words)

    def __call__(self, word: str) -> float:
        return log((len(self._all) + 1) / (self._counts[word] + 0.5))


def _file_words(path: str) -> frozenset[str]:
    return words_in(path.rpartition("/")[2].removesuffix(".py"))


def visited(run: Htir, model: HarnessModel) -> Iterator[Visited]:
    """The functions that ran in the run itself, and not only while modules were imported."""
    for path, marks in sorted(run.reached.items()):
        reached = marks.without_imports()
        if reached.hit:
            yield from _in_file(model, path, reached)


def _words_of(function: Element, model: HarnessModel) -> frozenset[str]:
    anchor = function.anchor
    called = (name for name, _ in model.called.get(f"{anchor.path}:{anchor.qualname}", ()))
    params = function.value("params")
    names = [anchor.qualname, *called, *(params if isinstance(params, (list, tuple)) else ())]
    return frozenset(word for name in names for word in words_in(str(name)))


def _in_file(model: HarnessModel, path: str, reached: Reached) -> Iterator[Visited]:
    functions: list[Element] = []
    others: list[Element] = []
    for element in model.in_file(path):
        (functions if element.role is ElementRole.FUNCTION else others).append(element)
    around = _Innermost(functions)
    found: dict[str, Visited] = {}
    for line in reached.hit:
        function = around(line)
        if function is not None:
            name = function.anchor.qualname
            if name not in found:
                found[name] = Visited(function, _words_of(function, model))
            found[name].ran += 1
    for element in others:
        holder = found.get(element.anchor.qualname)
        if holder is None or element.role in NO_PART:
            continue
        if reached.ran(element.anchor.start_line):
            holder.met[element.role] += 1
    yield from found.values()


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

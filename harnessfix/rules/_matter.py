"""How much a function that a failed run went through has to do with the failure: a place to begin reading.

Each sign alone says little. What they weigh together was fitted on bugs whose fix is known.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from heapq import nlargest
from math import log, log1p

from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.names import words_in
from harnessfix_ir.vocabulary import ElementRole, Layer

from ._layers import layer_of
from ._troubled import Troubled
from ._visited import Visited
from ._written import Written

WEIGHTS = {
    "met": 0.83,  # sorts of elements in it that ran: what decides is fixed more often than what hands on
    "ran": 0.82,  # stretches of it that ran
    "long": 0.72,  # longer than a hundred lines: it starts others, and touches everything
    "makes": 0.7,  # only makes an object
    "called": 0.4,  # by how many lines: a helper that all use would fail everywhere
    "spoken": 0.69,  # words of the program's names in its name, its parameters and what it calls
    "named": 0.78,  # … in its own name alone
    "rare": 0.36,  # the rarest name of the program that stands in what ran of it
    "asked": 0.09,  # names of the program that it decided by
    "wrote": 1.46,  # a sentence of its literals is in what the run shows
    "raised": 1.5,  # an exception arose in it, or one in what it called ended a step
}
LONG_LINES = 100
MOST_ASKED = 3


class Matter:
    """Weighs functions by what a program speaks of; names and words that few functions have count more.

    Bug reports are matched with files in this way (Zhou, Zhang and Lo, 2012). The report here is the program.

    Args:
        run: that failed.
        model: its harness.
        functions: those that the run went through.
    """

    def __init__(self, run: Htir, model: HarnessModel, functions: Sequence[Visited]) -> None:
        self._spoken = frozenset(run.run.program)
        self._program = frozenset(word for name in self._spoken for word in words_in(name))
        self._words = _Rarity(function.words for function in functions)
        self._names = _Rarity(_names_in(run, model))
        self._called = model.times_called
        self._calls = model.called
        self._written = Written(run)
        self._troubled = Troubled(run, model)

    def shared(self, function: Visited) -> list[str]:
        """What both speak of, the rarest first: names in what ran, else words."""
        if function.names:
            return sorted(function.names, key=lambda name: (-self._names(name), name))
        return sorted(function.words & self._program, key=lambda word: (-self._words(word), word))

    def wrote(self, function: Visited) -> bool:
        """Whether a sentence of the function is in what the run shows."""
        return self._written.by(function.element)

    def ended(self, function: Visited) -> bool:
        """Whether an exception arose in it that ended a step of the run."""
        return self._troubled.ended_in(function.symbol)

    def slipped(self, function: Visited) -> bool:
        """Whether Python itself complained of a line of it, and nobody expected that."""
        return self._troubled.slipped(function.symbol)

    def made_unwritable(self, function: Visited) -> bool:
        """Whether Python complained that what it made cannot be written."""
        return self._troubled.made_unwritable(function.symbol)

    def hushed(self, function: Visited) -> bool:
        """Whether a clause of it took a failure, and only told a log of it."""
        return self._troubled.hushed(function.symbol)

    def weight(self, function: Visited) -> float:
        """How likely the cause is in it, as the logarithm of a share."""
        return sum(WEIGHTS[sign] * value for sign, value in self.signs(function).items())

    def layer(self, function: Visited) -> Layer:
        """The layer that it most likely lies on."""
        anchor = function.element.anchor
        return layer_of(
            anchor,
            parts=function.met,
            called=(name for name, _ in self._calls.get(anchor.symbol, ())),
            shared={name: self._names(name) for name in function.names},
            program=self._spoken,
        )

    def signs(self, function: Visited) -> dict[str, float]:
        """The value of each sign, by its name in `WEIGHTS`."""
        anchor = function.element.anchor
        own = words_in(anchor.qualname)
        asked = nlargest(MOST_ASKED, map(self._names, function.asked))
        return {
            "met": log1p(len(function.met)),
            "ran": log1p(function.ran),
            "long": -max(0.0, log((anchor.end_line - anchor.start_line + 1) / LONG_LINES)),
            "makes": -float(anchor.qualname.endswith("__init__")),
            "called": -log1p(self._called[anchor.qualname.rpartition(".")[2]]),
            "spoken": log1p(sum(map(self._words, function.words & self._program))),
            "named": sum(map(self._words, own & self._program)) / (1 + len(own)),
            "rare": max(map(self._names, function.names), default=0.0),
            "asked": sum(asked),
            "wrote": float(self.wrote(function)),
            "raised": self._troubled.by(function.symbol),
        }


class _Rarity:
    """How rare things are in some sets of them: the logarithm of how many sets there are for each that has it."""

    def __init__(self, sets: Iterable[Iterable[str]]) -> None:
        self._all = 0
        self._counts: Counter[str] = Counter()
        for each in sets:
            self._all += 1
            self._counts.update(each)

    def __call__(self, thing: str) -> float:
        return max(0.0, log((self._all + 1) / (self._counts[thing] + 0.5)))


def _names_in(run: Htir, model: HarnessModel) -> Iterable[Iterable[str]]:
    """Of each function in a file that the run reached the names of the program in it, whether they ran or not."""
    program = frozenset(run.run.program)
    for path in run.reached:
        for element in model.in_file(path):
            if element.role is ElementRole.FUNCTION:
                names = element.value("names")
                yield program & names.keys() if isinstance(names, dict) else ()

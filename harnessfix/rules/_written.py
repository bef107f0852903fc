"""Which functions wrote what a run shows: their literals are in the outputs of its steps and in its errors."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from harnessfix_ir.harness import Element
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import StepKind

from ._query import wordings

LEAST_WORDS = 3
MOST_LETTERS = 1_000_000
_WORD = re.compile(r"\w+")


class Written:
    """The texts of a run, by their neighbouring words.

    Args:
        run: any; of very long ones the first texts count.
    """

    def __init__(self, run: Htir) -> None:
        self._known: set[tuple[str, ...]] = set()
        left = MOST_LETTERS
        for text in _texts(run):
            self._known.update(_neighbours(_WORD.findall(text[:left])))
            left -= len(text)
            if left <= 0:
                break

    def by(self, function: Element) -> bool:
        """Whether a sentence of the function, or a part of one between its holes, is in these texts."""
        return any(self._has(piece) for text in wordings(function) for piece in text.split("{}"))

    def _has(self, piece: str) -> bool:
        near = list(_neighbours(_WORD.findall(piece)))
        return bool(near) and self._known.issuperset(near)


def _texts(run: Htir) -> Iterator[str]:
    seen: set[str] = set()
    for step in run.steps:
        if step.kind is not StepKind.ERROR:
            for part in step.output:
                if part.text not in seen:
                    seen.add(part.text)
                    yield run.text(part)
        if step.error is not None and step.error.message not in seen:
            seen.add(step.error.message)
            yield step.error.message


def _neighbours(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(islice(words, first, None) for first in range(LEAST_WORDS)))

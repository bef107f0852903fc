"""An index of all that a harness can say: its prompts, message templates, configuration values and literals.

Each template is filed under a few of its rarest words, so that a text is compared only with templates that share a word
with it that few others have: the work is linear in the text, whatever the harness holds.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.vocabulary import ElementRole

from .templates import INDEX_WORDS, Match, Template, flat

_WORD = re.compile(r"\w+")
HEAD_AND_TAIL = 50_000
MOST_PIECES = 8
SOURCES = (
    ElementRole.PROMPT,
    ElementRole.RAISE,
    ElementRole.HANDLER,
    ElementRole.CONFIG_KEY,
    ElementRole.FUNCTION,
)


@dataclass(frozen=True)
class Wording:
    """An element whose text worded another text, at which line, how well it matches, and how many match as well."""

    element: Element
    line: int
    match: Match
    ties: int = 1

    @property
    def quality(self) -> tuple[bool, bool, bool, int]:
        """Sort key, best first."""
        return not self.match.equal, self.match.drifted, not self.match.whole, -self.match.constant


@dataclass(frozen=True)
class _Filed:
    element: Element
    template: Template
    line: int


class WordingIndex:
    """Finds the elements that worded a text.

    Args:
        model: the harness.
    """

    def __init__(self, model: HarnessModel) -> None:
        filed = [
            _Filed(element, template, line)
            for element in model.of_role(*SOURCES)
            for template, line in _templates(element)
            if template.usable
        ]
        frequency = Counter(word for entry in filed for words in entry.template.words() for word in words)
        self._by_word: dict[str, list[_Filed]] = {}
        for entry in filed:
            for word in _index_words(entry.template, frequency):
                self._by_word.setdefault(word, []).append(entry)

    def look_up(self, text: str) -> list[Wording]:
        """Elements that worded a text, best first; of a very long text its head and tail are looked at."""
        if not self._by_word or not text:
            return []
        sample = text if len(text) <= 2 * HEAD_AND_TAIL else text[:HEAD_AND_TAIL] + "\n" + text[-HEAD_AND_TAIL:]
        common = self._by_word.keys() & set(_WORD.findall(sample))
        if not common:
            return []
        plain = flat(sample)
        entries = {id(entry): entry for word in sorted(common) for entry in self._by_word[word]}
        found = [
            Wording(entry.element, entry.line, match)
            for entry in entries.values()
            if (match := entry.template.match(plain)) is not None
        ]
        found.sort(key=lambda wording: (wording.quality, wording.element.role is ElementRole.FUNCTION))
        found = _without_repeats(_without_fragments(found))
        ties = Counter(wording.quality for wording in found)
        return [Wording(w.element, w.line, w.match, ties[w.quality]) for w in found]


def _index_words(template: Template, frequency: Counter[str]) -> set[str]:
    """The rarest words of a template: of all of it, and of each piece where pieces may be left out."""

    def rarity(word: str) -> tuple[int, int, str]:
        return frequency[word], -len(word), word

    by_piece = template.words()
    if any(piece.optional for piece in template.pieces):
        return {min(words, key=rarity) for words in by_piece[:MOST_PIECES] if words}
    return set(sorted(set().union(*by_piece), key=rarity)[:INDEX_WORDS])


def _templates(element: Element) -> Iterator[tuple[Template, int]]:
    """The texts an element may word, each with its line.

    Prompts have one, whole; raises and handlers their messages, configuration keys their values, functions all
    literals that hold words.
    """
    start = element.anchor.start_line
    if element.role is ElementRole.PROMPT:
        engine = element.value("engine")
        yield Template(element.text, engine if isinstance(engine, str) else ""), start
    elif element.role is ElementRole.FUNCTION:
        wordings = element.value("wordings")
        for wording in wordings if isinstance(wordings, list) else ():
            match wording:
                case [int(line), str(text)]:
                    yield Template(text), line
    else:
        for name in ("value",) if element.role is ElementRole.CONFIG_KEY else ("message", "returns-message"):
            value = element.value(name)
            if isinstance(value, str):
                yield Template(value), start


def _without_fragments(found: list[Wording]) -> list[Wording]:
    """Drop weak matches where a much better one exists: a short label inside a text that a whole template explains."""
    if not found:
        return found
    best = max(wording.match.constant for wording in found)
    return [w for w in found if w.match.equal or w.match.whole or w.match.constant * 4 >= best]


def _without_repeats(found: list[Wording]) -> list[Wording]:
    """Drop what another element says of the same lines: a function's literal, a key that holds a prompt."""
    prompts = [w.element.anchor for w in found if w.element.role is ElementRole.PROMPT]
    own = [w.element.anchor for w in found if w.element.role is not ElementRole.FUNCTION]
    kept = []
    for wording in found:
        role, path = wording.element.role, wording.element.anchor.path
        others = own if role is ElementRole.FUNCTION else prompts if role is ElementRole.CONFIG_KEY else []
        if not any(a.path == path and a.start_line <= wording.line <= a.end_line for a in others):
            kept.append(wording)
    return kept

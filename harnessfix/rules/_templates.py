"""Which prompt template worded a text, and what went into each of its holes.

A template is found by its literal pieces, in order. Pieces inside a Jinja block may be missing from a rendering, so a
share of the literal characters has to be found, not all of them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.vocabulary import ElementRole

from ._query import names

MIN_LITERAL = 12  # characters that must be found before a template is believed to have worded a text
MIN_SHARE = 0.6
JINJA = re.compile(r"\{\{(.*?)\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
FIELD = re.compile(r"\{([^{}!:]*)(?:![rsa])?(?::[^{}]*)?\}")


@dataclass(frozen=True)
class Hole:
    """What stands in one hole of a rendering: the placeholder as written, and characters [start, end) of the text."""

    placeholder: str
    start: int
    end: int


@dataclass(frozen=True)
class Rendering:
    """A template found in a text.

    Args:
        prompt: the template.
        literal: number of its literal characters that were found.
        holes: in order of place.
    """

    prompt: Element
    literal: int
    holes: tuple[Hole, ...]

    @property
    def widest(self) -> Hole | None:
        """The hole that took the most characters."""
        return max(self.holes, key=lambda hole: hole.end - hole.start, default=None)


def pieces(prompt: Element) -> list[str]:
    """Literal texts and placeholders of a template by turns: literals at even places, placeholders at odd ones.

    Statements and comments of Jinja are placeholders with an empty name.
    """
    engine, holes = prompt.value("engine"), names(prompt.value("placeholders"))
    if engine == "jinja":
        return _split(prompt.text, JINJA)
    if engine == "format":
        literal = prompt.text.replace("{{", "\ue000").replace("}}", "\ue001")
        return [piece.replace("\ue000", "{").replace("\ue001", "}") for piece in _split(literal, FIELD)]
    if holes:  # the source of each hole stands in the text between braces
        return _split(
            prompt.text, re.compile("|".join(r"\{(" + re.escape(hole) + r")\}" for hole in dict.fromkeys(holes)))
        )
    return [prompt.text]


def _split(text: str, pattern: re.Pattern[str]) -> list[str]:
    found: list[str] = []
    at = 0
    for match in pattern.finditer(text):
        found += [text[at : match.start()], next((group for group in match.groups() if group), "").strip()]
        at = match.end()
    found.append(text[at:])
    return found


def rendering(prompt: Element, text: str) -> Rendering | None:
    """How `prompt` worded `text`, or None when it did not."""
    parts = pieces(prompt)
    literals = parts[::2]
    total = sum(len(piece.strip()) for piece in literals)
    if total < MIN_LITERAL:
        return None
    holes: list[Hole] = []
    pending: list[str] = []
    at = found = 0
    for number, piece in enumerate(literals):
        wanted = piece.strip()
        start = text.rfind(wanted, at) if number == len(literals) - 1 else text.find(wanted, at)
        if wanted and start >= 0:
            holes += [Hole(name, at, start) for name in pending[:1] if name]
            pending = []
            found += len(wanted)
            at = start + len(wanted)
        if 2 * number + 1 < len(parts):
            pending.append(parts[2 * number + 1])
    holes += [Hole(name, at, len(text)) for name in pending[:1] if name]
    if found < max(MIN_LITERAL, MIN_SHARE * total):
        return None
    return Rendering(prompt, found, tuple(holes))


def renderings(model: HarnessModel, text: str) -> Iterator[Rendering]:
    """Templates of the harness that worded `text`, the one with most literal characters first."""
    found = [fit for prompt in model.of_role(ElementRole.PROMPT) if (fit := rendering(prompt, text)) is not None]
    yield from sorted(found, key=lambda fit: -fit.literal)


def is_bounded(prompt: Element, placeholder: str) -> bool:
    """Whether the template itself cuts that placeholder."""
    bounded = names(prompt.value("bounded-placeholders"))
    return any(name and (name in placeholder or placeholder in name) for name in bounded)

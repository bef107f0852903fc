"""Templates: the constant pieces of a prompt, message or format string, and whether a text was made from them."""

import re
from dataclasses import dataclass

_HOLES = {
    "jinja": re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL),
    "percent": re.compile(r"%(?:\(\w+\))?[-+ #0]*\d*(?:\.\d+)?[sdrifgxc]"),
    "dollar": re.compile(r"\$\{?\w+\}?"),
}
_FORMAT_HOLE = re.compile(r"(\{\{|\}\})|\{[^{}]*\}")
_WORD = re.compile(r"\w+")
LEAST_LETTERS = 8
WHOLE_SHARE = 0.6


@dataclass(frozen=True)
class Match:
    """A text worded by a template.

    Args:
        constant: letters and digits of the template's constant pieces found in order.
        share: those as a share of all the template has.
        whole: whether the text is the template from end to end, holes filled.
        equal: whether the text is the template itself.
    """

    constant: int
    share: float
    whole: bool
    equal: bool


class Template:
    """The constant pieces of one template.

    Args:
        text: as it stands in the source or configuration.
        engine: `literal`, `f-string`, `format`, `jinja`, `concat`, or `` when unknown.
    """

    def __init__(self, text: str, engine: str = "") -> None:
        self.pieces = [piece for piece in (_flat(p) for p in _pieces(text, engine)) if piece]
        self.plain = _flat(text)
        self.optional = "{%" in text
        self.open_start, self.open_end = _open_ends(text, self.pieces)
        self.letters = sum(_letters(piece) for piece in self.pieces)

    @property
    def usable(self) -> bool:
        """Whether there is enough constant text to tell it from chance."""
        return self.letters >= LEAST_LETTERS

    def words(self) -> set[str]:
        """Words of the constant pieces that no hole touches, so that they stand in the text as they are."""
        found: set[str] = set()
        for piece in self.pieces:
            words = list(_WORD.finditer(piece))
            for number, match in enumerate(words):
                first = number == 0 and match.start() == 0
                last = number == len(words) - 1 and match.end() == len(piece)
                if not (first or last) or (len(self.pieces) == 1 and self.pieces[0] == self.plain):
                    found.add(match.group())
        return found

    def match(self, text: str) -> Match | None:
        """How the text, its white space flattened, matches; None when the pieces do not occur in order.

        A template with control blocks may leave pieces out; the others may not.
        """
        at, found, first, last = 0, 0, -1, 0
        for piece in self.pieces:
            place = text.find(piece, at)
            if place < 0:
                if not self.optional:
                    return None
                continue
            first = place if first < 0 else first
            at = last = place + len(piece)
            found += _letters(piece)
        share = found / self.letters if self.letters else 0.0
        if share < WHOLE_SHARE or found < LEAST_LETTERS:
            return None
        whole = (self.open_start or first == 0) and (self.open_end or last == len(text))
        return Match(found, share, whole, text == self.plain)


def flat(text: str) -> str:
    """The text with each run of white space as one space, none at the ends."""
    return _flat(text)


def _flat(text: str) -> str:
    return " ".join(text.split())


def _letters(piece: str) -> int:
    return sum(map(str.isalnum, piece))


def _pieces(text: str, engine: str) -> list[str]:
    if engine == "literal":
        return [text]
    if engine == "jinja" or (not engine and ("{{" in text or "{%" in text)):
        return _HOLES["jinja"].split(text)
    pieces = [""]
    at = 0
    for match in _FORMAT_HOLE.finditer(text):
        pieces[-1] += text[at : match.start()]
        at = match.end()
        if match.group(1):
            pieces[-1] += match.group(1)[0]
        else:
            pieces.append("")
    pieces[-1] += text[at:]
    if len(pieces) == 1 and not engine:
        pieces = _HOLES["percent"].split(text)
    return pieces


def _open_ends(text: str, pieces: list[str]) -> tuple[bool, bool]:
    """Whether the template begins, and ends, with a hole."""
    if not pieces:
        return True, True
    plain = _flat(text)
    return not plain.startswith(pieces[0][:20]), not plain.endswith(pieces[-1][-20:])

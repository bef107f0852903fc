"""Templates: the constant pieces of a prompt, message or format string, and whether a text was made from them."""

import re
from dataclasses import dataclass

_JINJA = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})", re.DOTALL)
_BLOCK = re.compile(r"\{%[-+]?\s*(\w+)")
_OPENS = frozenset(("if", "for", "macro", "call", "filter", "block"))
_PERCENT = re.compile(r"%(?:\(\w+\))?[-+ #0]*\d*(?:\.\d+)?[sdrifgxc]")
_FORMAT_HOLE = re.compile(r"(\{\{|\}\})|\{[^{}]*\}")
_WORD = re.compile(r"\w+")
LEAST_LETTERS = 8
WHOLE_SHARE = 0.6
DRIFTED_SHARE = 0.7
DRIFTED_LETTERS = 80
LINE_LETTERS = 12
INDEX_WORDS = 3


@dataclass(frozen=True)
class Piece:
    """A constant piece with its white space flattened; `optional` when it stands inside a control block."""

    text: str
    optional: bool = False

    @property
    def letters(self) -> int:
        """Letters and digits in it."""
        return sum(map(str.isalnum, self.text))


@dataclass(frozen=True)
class Match:
    """A text worded by a template.

    Args:
        constant: letters and digits of the template's constant pieces found in order.
        whole: whether the text is the template from end to end, holes filled.
        equal: whether the text is the template itself.
        drifted: whether only most of the template's lines were found: another version of it worded the text.
    """

    constant: int
    whole: bool = False
    equal: bool = False
    drifted: bool = False


class Template:
    """The constant pieces of one template.

    Args:
        text: as it stands in the source or configuration.
        engine: `literal`, `f-string`, `format`, `jinja`, `concat`, or `` when unknown.
    """

    def __init__(self, text: str, engine: str = "") -> None:
        self.pieces = [piece for piece in _pieces(text, engine) if piece.text]
        self.plain = flat(text)
        self.lines = [line for line in map(flat, text.splitlines()) if Piece(line).letters >= LINE_LETTERS]
        self.required = sum(piece.letters for piece in self.pieces if not piece.optional)
        self.letters = sum(piece.letters for piece in self.pieces)
        self.open_start = not self.pieces or not self.plain.startswith(self.pieces[0].text[:20])
        self.open_end = not self.pieces or not self.plain.endswith(self.pieces[-1].text[-20:])

    @property
    def usable(self) -> bool:
        """Whether there is enough constant text to tell it from chance."""
        return self.letters >= LEAST_LETTERS

    def words(self) -> list[set[str]]:
        """For each piece, its words that no hole touches, so that they stand in the text as they are."""
        whole = len(self.pieces) == 1 and self.pieces[0].text == self.plain
        return [_inner_words(piece.text, whole) for piece in self.pieces]

    def match(self, text: str) -> Match | None:
        """How the text, its white space flattened, matches; None when it was not worded by this template."""
        return self._strict(text) or self._drifted(text)

    def _strict(self, text: str) -> Match | None:
        """All pieces in order; those in control blocks may be missing."""
        at, found, first, last = 0, 0, -1, 0
        for piece in self.pieces:
            place = text.find(piece.text, at)
            if place < 0:
                if not piece.optional:
                    return None
                continue
            first = place if first < 0 else first
            at = last = place + len(piece.text)
            found += piece.letters
        if found < LEAST_LETTERS or (self.required < LEAST_LETTERS and found < WHOLE_SHARE * self.letters):
            return None
        whole = (self.open_start or first == 0) and (self.open_end or last == len(text))
        return Match(found, whole, text == self.plain)

    def _drifted(self, text: str) -> Match | None:
        """Most lines in order, for templates long enough that this cannot be chance."""
        total = sum(Piece(line).letters for line in self.lines)
        if total < DRIFTED_LETTERS:
            return None
        at = found = 0
        for line in self.lines:
            place = text.find(line, at)
            if place >= 0:
                at = place + len(line)
                found += Piece(line).letters
        if found < DRIFTED_LETTERS or found < DRIFTED_SHARE * total:
            return None
        return Match(found, drifted=True)


def flat(text: str) -> str:
    """The text with each run of white space as one space, none at the ends."""
    return " ".join(text.split())


def _inner_words(piece: str, whole: bool) -> set[str]:
    words = list(_WORD.finditer(piece))
    return {match.group() for match in words if whole or (match.start() > 0 and match.end() < len(piece))}


def _pieces(text: str, engine: str) -> list[Piece]:
    if engine == "literal":
        return [Piece(flat(text))]
    if engine == "jinja" or (not engine and ("{{" in text or "{%" in text)):
        return _jinja_pieces(text)
    pieces = _format_pieces(text)
    if len(pieces) == 1 and not engine:
        pieces = _PERCENT.split(text)
    return [Piece(flat(piece)) for piece in pieces]


def _jinja_pieces(text: str) -> list[Piece]:
    pieces = []
    depth = 0
    for token in _JINJA.split(text):
        block = _BLOCK.match(token)
        if block is None:
            if not token.startswith(("{{", "{#")):
                pieces.append(Piece(flat(token), depth > 0))
        elif block.group(1) in _OPENS:
            depth += 1
        elif block.group(1).startswith("end"):
            depth = max(depth - 1, 0)
    return pieces


def _format_pieces(text: str) -> list[str]:
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
    return pieces

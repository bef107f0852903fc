"""Texts of many kinds, made from a seed: what tools print, in several vocabularies and scripts."""

import json
import random
from collections.abc import Callable

_ONSETS = ("b", "br", "d", "f", "g", "gl", "h", "j", "k", "l", "m", "n", "p", "pl", "r", "s", "st", "t", "tr", "v", "w")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ou", "ee")
_CODAS = ("", "", "n", "r", "s", "t", "l", "nd", "ck", "m")
_CYRILLIC = "абвгдежзиклмнопрстуфхцчшыьэюя"
_ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"
_DEVANAGARI = "अआइईउऊएऐओऔकखगघचछजझटठडढणतथदधनपफबभमयरलवशषसह"


class Writer:
    """Writes texts of a kind and size; one seed, one vocabulary.

    Args:
        seed: of the vocabulary and of all that is written with it.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.words = [self._word() for _ in range(3000)]
        self.kinds: dict[str, Callable[[int], str]] = {
            "prose": self.prose,
            "code": self.code,
            "log": self.log,
            "json": self.record,
            "listing": self.listing,
            "chinese": self.chinese,
            "cyrillic": lambda size: self._spaced(_CYRILLIC, size),
            "arabic": lambda size: self._spaced(_ARABIC, size),
            "devanagari": lambda size: self._spaced(_DEVANAGARI, size),
        }

    def text(self, kind: str, size: int) -> str:
        """A text of about `size` characters."""
        return self.kinds[kind](size)

    def phrase(self, words: int) -> str:
        """So many words."""
        return " ".join(self._zipf() for _ in range(words))

    def name(self) -> str:
        """A name that is rare enough to be recognised."""
        return f"{self._zipf()}_{self.random.randrange(16**6):06x}"

    def prose(self, size: int) -> str:
        """Paragraphs of sentences."""
        return self._grown(size, lambda: self.phrase(self.random.randint(5, 18)).capitalize() + ". ", 6)

    def code(self, size: int) -> str:
        """Functions in a language that looks like Python."""
        return self._grown(size, self._function, 0)

    def log(self, size: int) -> str:
        """Lines with a time, a level, a component and a message."""
        return self._grown(size, self._log_line, 0)

    def listing(self, size: int) -> str:
        """A directory listing."""
        return self._grown(
            size,
            lambda: (
                f"-rw-r--r-- 1 {self._zipf()} staff {self.random.randrange(99_999):>6} "
                f"Mar {self.random.randint(1, 28):>2} {self.random.randrange(24):02}:{self.random.randrange(60):02} "
                f"{self.name()}.{self.random.choice(('py', 'txt', 'json', 'md'))}\n"
            ),
            0,
        )

    def record(self, size: int) -> str:
        """A JSON document."""
        rows: list[dict[str, object]] = []
        length = 0
        while length < size:
            row = {
                "id": self.random.randrange(10**8),
                "name": self.phrase(2),
                "tags": [self._zipf() for _ in range(self.random.randint(0, 4))],
                "note": self.phrase(self.random.randint(3, 12)),
                "ok": self.random.random() < 0.5,
            }
            rows.append(row)
            length += len(json.dumps(row))
        return json.dumps({"results": rows})

    def chinese(self, size: int) -> str:
        """Characters without spaces, with full stops."""
        return self._grown(
            size,
            lambda: "".join(chr(0x4E00 + int(5000 ** self.random.random())) for _ in range(14)) + "。",
            5,
        )

    def _spaced(self, letters: str, size: int) -> str:
        def sentence() -> str:
            words = ("".join(self.random.choices(letters, k=self.random.randint(2, 9))) for _ in range(9))
            return " ".join(words) + ". "

        return self._grown(size, sentence, 5)

    def _grown(self, size: int, piece: Callable[[], str], lines: int) -> str:
        """Pieces up to the size; a line break after so many pieces (never when 0)."""
        pieces: list[str] = []
        length = 0
        while length < size:
            pieces.append(piece() + ("\n" if lines and len(pieces) % lines == lines - 1 else ""))
            length += len(pieces[-1])
        return "".join(pieces)

    def _function(self) -> str:
        name, argument = self._zipf(), self._zipf()
        lines = [f"def {name}_{self._zipf()}({argument}, {self._zipf()}=None):"]
        for _ in range(self.random.randint(2, 7)):
            lines.append(
                self.random.choice(
                    (
                        f"    {self._zipf()} = {argument}.{self._zipf()}({self.random.randrange(100)})",
                        f"    if {self._zipf()} is None:\n        return {self._zipf()}",
                        f'    print("{self.phrase(4)}\\n")',
                        f"    for {self._zipf()} in range({self._zipf()}):\n        {self._zipf()}.append(x)",
                    )
                )
            )
        return "\n".join(lines) + f"\n    return {self._zipf()}\n\n\n"

    def _log_line(self) -> str:
        clock = self.random
        level = clock.choice(("INFO", "DEBUG", "WARNING", "ERROR"))
        return (
            f"2031-0{clock.randint(1, 9)}-1{clock.randint(0, 9)} {clock.randrange(24):02}:{clock.randrange(60):02}:"
            f"{clock.randrange(60):02},{clock.randrange(1000):03} {level:<8} {self._zipf()}.{self._zipf()}: "
            f"{self.phrase(clock.randint(3, 9))} (id={clock.randrange(16**8):08x})\n"
        )

    def _zipf(self) -> str:
        return self.words[int(len(self.words) ** self.random.random()) - 1]

    def _word(self) -> str:
        syllables = self.random.randint(1, 4)
        return "".join(
            self.random.choice(_ONSETS) + self.random.choice(_VOWELS) + self.random.choice(_CODAS)
            for _ in range(syllables)
        )

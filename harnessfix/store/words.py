"""The words of a text, the same for both engines: what full-text search knows.

A word is a run of letters and digits, folded; `read_file` is two words. Scripts written without spaces give one word
per character. Searching finds the steps that first held all the words asked for.
"""

import re
import unicodedata

LONGEST_WORD = 64
MOST_WORDS = 50_000
_CLOSE = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_CLOSE}]|[^\W_{_CLOSE}]+")

_FOLDED = bytes(ord(chr(code).lower()) if chr(code).isalnum() and code < 128 else 32 for code in range(256))
"""What `_WORD` and folding do to ASCII, as a table: five times as fast."""


def words_of(*texts: str) -> set[str]:
    """The distinct words of `texts`, case-folded; of very long ones the first 64 characters."""
    plain = "\n".join([text for text in texts if text.isascii()])
    words = set(plain.encode().translate(_FOLDED).decode().split())
    for text in texts:
        if not text.isascii():
            folded = unicodedata.normalize("NFKC", text).casefold()
            words.update(_WORD.findall(folded.encode("utf-8", "replace").decode()))
    if max(map(len, words), default=0) <= LONGEST_WORD:
        return words
    return {word[:LONGEST_WORD] for word in words}


def most_of(words: set[str]) -> list[str]:
    """As many of a step's words as are kept: all, or the first by alphabet of very many."""
    return list(words) if len(words) <= MOST_WORDS else sorted(words)[:MOST_WORDS]

"""Names of programs, in the words that they are made of: `planning_interval` speaks of planning and of an interval."""

import builtins
import re
import sys
from functools import lru_cache

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
LEAST = 3
"""Letters of a word that counts."""

LONGEST = 60
"""Letters of a name; what is longer is data."""

_HOLDERS = (bytes, dict, float, frozenset, int, list, set, str, tuple)
PYTHONS = frozenset(
    (*dir(builtins), *sys.stdlib_module_names, *(name for kind in _HOLDERS for name in dir(kind)), "self", "cls")
)
"""Names that every program uses, whatever it is about: Python's own, and those of its numbers, texts and lists."""


@lru_cache(maxsize=65_536)
def words_in(name: str) -> frozenset[str]:
    """The words of a name in `snake_case`, `CamelCase` or dotted, in lower case, those of three letters and more.

    Args:
        name: an identifier, a dotted name, the name of a file.
    """
    return frozenset(part.lower() for part in _PART.findall(name) if len(part) >= LEAST)


@lru_cache(maxsize=65_536)
def speaks(name: str) -> bool:
    """Whether a name says what a program is about: it is none of Python's own, and has a word in it.

    Args:
        name: an identifier.
    """
    return len(name) <= LONGEST and name not in PYTHONS and not name.startswith("__") and bool(words_in(name))

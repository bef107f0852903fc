"""Names of programs, in the words that they are made of: `planning_interval` speaks of planning and of an interval."""

import builtins
import re
import sys
from functools import lru_cache

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
LEAST = 3
"""Letters of a word that counts."""

PYTHONS = frozenset((*dir(builtins), *sys.stdlib_module_names, "self", "cls"))
"""Names that every program uses, whatever it is about."""


@lru_cache(maxsize=65_536)
def words_in(name: str) -> frozenset[str]:
    """The words of a name in `snake_case`, `CamelCase` or dotted, in lower case, those of three letters and more.

    Args:
        name: an identifier, a dotted name, the name of a file.
    """
    return frozenset(part.lower() for part in _PART.findall(name) if len(part) >= LEAST)

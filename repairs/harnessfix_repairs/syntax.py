"""Sources as `ast` sees them, each parsed once though several parts of a repair look at it."""

import ast
from functools import lru_cache


@lru_cache(maxsize=4)
def parsed(text: str) -> ast.Module:
    """The syntax tree of a source, which is shared and must not be changed.

    Raises:
        SyntaxError, ValueError, RecursionError: it is none that this Python reads.
    """
    return ast.parse(text)

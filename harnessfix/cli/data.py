"""The one module that owns stdout: results, as text or as JSON."""

import json
import sys
from functools import cache

from rich.console import Console, RenderableType

PIPED_WIDTH = 160


@cache
def console() -> Console:
    """The console on stdout; honours NO_COLOR, and is plain when stdout is no terminal."""
    terminal = sys.stdout.isatty()
    return Console(highlight=False, width=None if terminal else PIPED_WIDTH)


def show(*items: RenderableType) -> None:
    """Print renderables; strings are printed as they are, never as markup."""
    for item in items:
        if isinstance(item, str):
            console().print(item, markup=False, soft_wrap=True)
        else:
            console().print(item)


def dump(document: object) -> None:
    """Print one JSON document, two spaces of indent, characters as they are where the stream can hold them."""
    text = json.dumps(document, indent=2, ensure_ascii=_narrow())
    sys.stdout.write(text + "\n")


def _narrow() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"

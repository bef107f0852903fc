"""The one module that owns stdout: results, as text or as JSON."""

import io
import json
import sys
from functools import cache

from rich.console import Console, RenderableType

PIPED_WIDTH = 160


@cache
def console() -> Console:
    """The console on stdout; honours NO_COLOR, and is plain when stdout is no terminal."""
    terminal = sys.stdout.isatty()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a stream in another encoding than UTF-8 lacks arrows and boxes
    return Console(highlight=False, width=None if terminal else PIPED_WIDTH)


def show(*items: RenderableType) -> None:
    """Print renderables; strings are printed as they are, never as markup."""
    with console().capture() as captured:
        for item in items:
            if isinstance(item, str):
                console().print(item, markup=False, soft_wrap=True)
            else:
                console().print(item)
    text = captured.get()
    if not console().is_terminal:
        # Panels and code are filled with blanks to the width of the console, which a file does not have.
        text = "\n".join(line.rstrip(" ") for line in text.split("\n"))
    console().file.write(text)


def dump(document: object) -> None:
    """Print one JSON document, two spaces of indent, characters as they are where the stream can hold them."""
    text = json.dumps(document, indent=2, ensure_ascii=_narrow())
    sys.stdout.write(text + "\n")


def _narrow() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"

"""Source files with their colours, each read once; asked from threads."""

from collections.abc import Sequence
from pathlib import Path

from textual.content import Content

from .library import Library
from .source_file import SourceFile
from .widgets.source_view import coloured

MOST = 24


class Sources:
    """The files of one harness.

    Args:
        library: reads them.
        bases: folders of the harness.
    """

    def __init__(self, library: Library, bases: Sequence[Path]) -> None:
        self._library, self._bases = library, bases
        self._held: dict[str, tuple[SourceFile, Sequence[Content]]] = {}

    def get(self, path: str) -> tuple[SourceFile, Sequence[Content]]:
        """A file and its coloured lines."""
        held = self._held.get(path)
        if held is None:
            file = self._library.source(path, self._bases)
            held = file, coloured(file)
            if len(self._held) >= MOST:
                self._held.pop(next(iter(self._held)), None)
            self._held[path] = held
        return held

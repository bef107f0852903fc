"""The file that an anchor stands in, read for looking at: bounded, and never outside the harness."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harnessfix.cli.plain import plain
from harnessfix_ir.anchors import Anchor

MOST_BYTES = 4_000_000
LONGEST_LINE = 2_000
LANGUAGES = {".py": "python", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json", ".md": "markdown"}


@dataclass(frozen=True)
class SourceFile:
    """A source file, harmless to show.

    Args:
        lines: without newlines; control characters as escapes, tabs as spaces, very long ones cut with a note.
        language: as Pygments calls it, `text` when unknown.
        problem: why there are no lines; empty otherwise.
        raw: the lines as bytes, as hashes of anchors are made of them.
    """

    lines: Sequence[str] = ()
    language: str = "text"
    problem: str = ""
    raw: Sequence[bytes] = ()

    def changed(self, anchor: Anchor) -> bool:
        """Whether the anchor's lines are not those that were analysed any more."""
        if not anchor.content_hash or not self.raw:
            return False
        now = hashlib.sha256(b"".join(self.raw[anchor.start_line - 1 : anchor.end_line])).hexdigest()[:16]
        return now != anchor.content_hash


def read_source(path: str, bases: Sequence[Path]) -> SourceFile:
    """The file at `path` below the first folder that has it.

    Args:
        path: may come from a trace: it is only followed to a regular file inside a base.
        bases: folders of the harness.
    """
    for base in bases:
        try:
            home = base.resolve()
            home = home if home.is_dir() else home.parent
            file = (home / path).resolve()
            if not file.is_relative_to(home) or not file.is_file():
                continue
            if file.stat().st_size > MOST_BYTES:
                return SourceFile(problem=f"the file has more than {MOST_BYTES:,} bytes")
            data = file.read_bytes()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "no usable path"
            return SourceFile(problem=f"cannot be read: {reason}")
        language = LANGUAGES.get(PurePosixPath(path).suffix, "text")
        return SourceFile(_lines(data), language, raw=data.splitlines(keepends=True))
    return SourceFile(problem="not found below " + (", ".join(str(base) for base in bases) or "any known folder"))


def shown(line: str) -> str:
    """One line of any text as a terminal may see it: no control characters, no separators, tabs as four spaces."""
    return plain(line).expandtabs(4).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _lines(data: bytes) -> list[str]:
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return [shown(line) if len(line) <= LONGEST_LINE else _cut(line) for line in lines]


def _cut(line: str) -> str:
    return f"{shown(line[:LONGEST_LINE])} … {len(line) - LONGEST_LINE:,} more characters"

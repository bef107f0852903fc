"""Short harmless lines out of texts of any length."""

from harnessfix.cli.plain import plain


def beginning(text: str, most: int = 300) -> str:
    """The first `most` characters of `text` on one line, with `…` when there is more; never looks further."""
    line = " ".join(plain(text[:most]).split())
    return line + "…" if len(text) > most else line


def count(number: int, word: str) -> str:
    """`3 steps`, `1 step`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"

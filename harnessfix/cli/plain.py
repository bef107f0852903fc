"""Text from traces and sources is data: what a terminal would obey is shown, not sent."""

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str) -> str:
    """`text` with control characters, direction marks and lone surrogates as escapes; newlines and tabs stay."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", text)


def one_line(text: str, width: int = 100, *, ends: bool = True) -> str:
    """`text` on one line of at most `width` characters.

    Args:
        text: anything.
        width: columns.
        ends: keep head and tail with the number of characters between; else the head alone.
    """
    line = " ".join(plain(text).split())
    if len(line) <= width:
        return line
    if not ends or width < 24:
        return line[: max(1, width - 1)] + "…"
    cut = f" …{len(line) - width:,} more… "
    keep = max(8, width - len(cut))
    return line[: keep * 2 // 3] + cut + line[len(line) - keep // 3 :]

"""Text from traces and sources is data: what a terminal would obey is shown, not sent."""

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str) -> str:
    """`text` with control characters, direction marks and lone surrogates as escapes; newlines and tabs stay."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", text)


def one_line(text: str, width: int = 100) -> str:
    """`text` on one line, at most `width` characters, the middle left out with the number of characters said."""
    line = " ".join(plain(text).split())
    if len(line) <= width:
        return line
    cut = f" … {len(line) - width:,} more … "
    keep = max(8, width - len(cut))
    return line[: keep * 2 // 3] + cut + line[len(line) - keep // 3 :]

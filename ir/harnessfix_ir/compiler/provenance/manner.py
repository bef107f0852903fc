"""In words: how a text was changed, and whether a cut was marked."""

import itertools
import re
from collections.abc import Sequence

SAMPLE = 4000
ESCAPED = "escaped as a JSON string"
_MARK = re.compile(
    r"truncat|omit|elid|snip|skipp|hidden|shorten|abbreviat|clipped|\bcut\b|too long|remaining|"
    r"\.\.\.|…|\[\s*\d+|\d+ (?:more|characters|chars|bytes|lines|tokens)",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"[ \t]*\d+[ \t]*[:|→.)\t]")
_QUOTED = re.compile(r"[ \t]*>")


def manner(source: str, sink: str) -> str:
    """How `sink` renders `source`: a few words, from their first characters."""
    source, sink = source[:SAMPLE], sink[:SAMPLE]
    if "\\n" in sink and "\\n" not in source and "\n" in source:
        return ESCAPED
    if "\\n" in source and "\\n" not in sink and "\n" in sink:
        return "unescaped from a JSON string"
    if _has_more_lines(_NUMBERED, sink, source):
        return "line-numbered"
    if _has_more_lines(_QUOTED, sink, source):
        return "quoted"
    if source.lstrip()[:1] in ("{", "["):
        return "re-serialised" if sink.lstrip()[:1] in ("{", "[") else "rendered from a record"
    if "".join(source.split())[:200] == "".join(sink.split())[:200]:
        return "re-wrapped"
    return "rewritten"


def _has_more_lines(pattern: re.Pattern[str], sink: str, source: str) -> bool:
    """Whether at least two more lines of the sink than of the source begin like that."""
    count = _lines_like(pattern, sink)
    return count > 1 and count > _lines_like(pattern, source) + 1


def _lines_like(pattern: re.Pattern[str], text: str) -> int:
    return sum(pattern.match(line) is not None for line in text.split("\n"))


def cut_is_marked(sink: str, pieces: Sequence[tuple[int, int]], where: str) -> bool:
    """Whether the sink says near the cut that something is missing.

    Args:
        sink: the text that holds the pieces.
        pieces: character ranges of what was kept, in order.
        where: which part was kept.
    """
    ordered = sorted(pieces)
    around: list[str] = []
    if where in ("head", "middle"):
        end = ordered[-1][1]
        around.append(sink[max(end - 3, 0) : end + 200])
    if where in ("tail", "middle"):
        start = ordered[0][0]
        around.append(sink[max(start - 200, 0) : start + 3])
    for (_, end), (start, _) in itertools.pairwise(ordered):
        around.append(sink[end : min(start, end + 400)])
    return any(_MARK.search(text) for text in around)

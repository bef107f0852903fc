"""Read the lines that the probe wrote; nothing is interpreted here. A line that cannot be read is counted."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Line = dict[str, Any]


@dataclass
class SpanLines:
    """All lines of one span."""

    id: str
    start: Line
    order: int
    end: Line | None = None
    inside: list[Line] = field(default_factory=list)


@dataclass
class SpoolDocument:
    """A recording's lines, sorted by what they speak of.

    Args:
        header: the first line.
        processes: `run` lines.
        spans: by id, in order of start.
        handled: `handled` lines with their order.
        loose: lines about no span that was seen (handlers, effects outside any span).
        texts: digest to text.
        ended: the last line, None when the recorder was ended too.
        trouble: what could not be read or done, in words.
    """

    header: Line = field(default_factory=dict)
    processes: list[Line] = field(default_factory=list)
    spans: dict[str, SpanLines] = field(default_factory=dict)
    handled: list[tuple[int, Line]] = field(default_factory=list)
    uncaught: list[tuple[int, Line]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    ended: Line | None = None
    redacted: int = 0
    counts: dict[int, int] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)


def read_lines(data: bytes, filename: str) -> SpoolDocument:
    """Sort the lines of a probe document.

    Args:
        data: the bytes of the document.
        filename: for messages.
    """
    document = SpoolDocument()
    pending: list[tuple[str, Line]] = []
    for order, line in enumerate(_lines(data, filename, document.trouble)):
        match line.get("t"):
            case "text":
                document.texts[str(line.get("d"))] = str(line.get("v"))
                if line.get("cut"):
                    document.trouble.append(f"a text was cut by {line['cut']:,} characters when it was written")
            case "start":
                document.spans[str(line.get("id"))] = SpanLines(str(line.get("id")), line, order)
            case "end" if str(line.get("id")) in document.spans:
                document.spans[str(line.get("id"))].end = line | {"order": order}
            case "handled":
                document.handled.append((order, line))
            case "uncaught":
                document.uncaught.append((order, line))
            case "tick" | "loop" | "io" | "cut":
                pending.append((str(line.get("up")), line))
            case "run":
                document.processes.append(line)
            case "recording":
                document.header = line
            case "ended":
                document.ended = line
            case "exit":
                document.redacted += int(line.get("redacted") or 0)
            case "capped" | "count":
                document.counts[int(line.get("e") or 0)] = int(line.get("n") or 0)
            case "trouble":
                document.trouble.append(str(line.get("what")))
    for up, line in pending:
        if up in document.spans:
            document.spans[up].inside.append(line)
    return document


def _lines(data: bytes, filename: str, trouble: list[str]) -> Iterator[Line]:
    broken = 0
    first = ""
    for number, raw in enumerate(data.split(b"\n"), 1):
        if not raw:
            continue
        try:
            line = json.loads(raw)
        except (ValueError, RecursionError):
            broken += 1
            first = first or f"{filename}, line {number}"
            continue
        if isinstance(line, dict):
            yield line
    if broken:
        more = f" and {broken - 1} more" if broken > 1 else ""
        trouble.append(f"{first}{more}: cut off or not JSON; skipped")


def expand(value: Any, texts: dict[str, str], depth: int = 0) -> Any:
    """`value` with every reference replaced by its text (the same string object each time)."""
    if isinstance(value, dict):
        if len(value) == 1 and "$" in value:
            return texts.get(str(value["$"]), "<text not recorded>")
        return {key: expand(item, texts, depth + 1) for key, item in value.items()} if depth < 40 else None
    if isinstance(value, list):
        return [expand(item, texts, depth + 1) for item in value] if depth < 40 else None
    return value

"""Read the lines that the probe wrote and sort them by what they speak of; nothing is interpreted here.

A recording is hostile input like any other: a line that cannot be read is counted, a field of the wrong type is as if
it were not there.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from harnessfix_ir.reached import Mark

Line = dict[str, Any]
Order = tuple[int, int]
MORE = ("more", "pieces", "streamed")
INSIDE = ("tick", "loop", "io", "io_capped", "cut", "fell", "log")


@dataclass
class SpanLines:
    """All lines of one span, and the span it is in; `order` and `ended` are places among the lines of all processes.

    `more` are lines that tell more of it while it runs, `inside` those that tell what happened in it, `pieces` what it
    handed out one by one, `streamed` the line that says how that ended.
    """

    id: str
    start: Line
    order: Order
    up: str | None = None
    end: Line | None = None
    ended: Order = (0, 0)
    more: list[Line] = field(default_factory=list)
    inside: list[Line] = field(default_factory=list)
    pieces: list[Any] = field(default_factory=list)
    streamed: Line | None = None


@dataclass
class SpoolDocument:
    """A recording's lines, sorted by what they speak of.

    Args:
        header: the first line.
        processes: `run` lines.
        spans: by id, in order of the file.
        loose: what a value was replaced by outside of any span: order and line.
        complaints: of Python's own: order, span and line.
        handled, uncaught: exceptions that a clause, or nothing in the harness, caught: order, span and line.
        texts: digest to text.
        lists: name to the list that it continues and the items that it adds.
        values: name to a large object.
        asks, answers: HTTP requests, and what came back, by the name of the request.
        ended: the last line, None when the recorder was ended too.
        redacted: secrets that were replaced.
        counts: element and what was counted, to how often and how many of them were written.
        reached: file to the marked lines of its functions, each with what is known of it.
        trouble: what could not be read or done, in words.
    """

    header: Line = field(default_factory=dict)
    processes: list[Line] = field(default_factory=list)
    spans: dict[str, SpanLines] = field(default_factory=dict)
    loose: list[tuple[Order, Line]] = field(default_factory=list)
    complaints: list[tuple[Order, str | None, Line]] = field(default_factory=list)
    handled: list[tuple[Order, str | None, Line]] = field(default_factory=list)
    uncaught: list[tuple[Order, str | None, Line]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    lists: dict[str, tuple[str | None, list[Any]]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    asks: list[Line] = field(default_factory=list)
    answers: dict[str, Line] = field(default_factory=dict)
    ended: Line | None = None
    redacted: int = 0
    counts: dict[tuple[int, str], tuple[int, int]] = field(default_factory=dict)
    reached: dict[str, dict[int, Mark]] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)

    @property
    def plan(self) -> Line:
        """The parts of the plan that the recording speaks of."""
        return mapping(self.header.get("plan"))

    def element(self, number: object) -> Line:
        """What the plan says of an instrumented place; empty when it says nothing."""
        known = isinstance(number, int) and not isinstance(number, bool)
        return mapping(mapping(self.plan.get("elements")).get(str(number))) if known else {}

    def leave_out(self, ids: dict[str, str | None]) -> None:
        """Forget spans: what was in them is in the span that each maps to."""

        def above(name: str | None) -> str | None:
            seen = set()
            while name in ids and name not in seen:
                seen.add(name)
                name = ids[name]
            return None if name in ids else name

        for name in ids:
            gone = self.spans.pop(name)
            up = self.spans.get(above(gone.up) or "")
            if up is not None:
                up.inside.extend(gone.inside)
        for span in self.spans.values():
            span.up = above(span.up)
        self.handled = [(order, above(up), line) for order, up, line in self.handled]
        self.complaints = [(order, above(up), line) for order, up, line in self.complaints]


def read_lines(data: bytes, filename: str) -> SpoolDocument:
    """Sort the lines of a probe document.

    Args:
        data: the bytes of the document.
        filename: for messages.
    """
    document = SpoolDocument()
    inside: list[tuple[str, Order, Line]] = []
    more: list[tuple[str, Line]] = []
    ends: list[tuple[str, Order, Line]] = []
    latest = 0
    for number, line in enumerate(_lines(data, filename, document.trouble)):
        kind = line.get("t")
        if kind == "run":  # the lines of another process begin
            latest = 0
        latest = max(latest, integer(line.get("time")) or 0)
        order = (latest, number)
        name = string(line.get("id"))
        if kind == "start" and name is not None:
            document.spans.setdefault(name, SpanLines(name, line, order, string(line.get("up"))))
        elif kind == "end" and name is not None:
            ends.append((name, order, line))
        elif kind in MORE and name is not None:
            more.append((name, line))
        elif kind in INSIDE:
            inside.append((string(line.get("up")) or "", order, line))
        elif kind == "handled":
            document.handled.append((order, string(line.get("up")), line))
        elif kind == "complaint":
            document.complaints.append((order, string(line.get("up")), line))
        elif kind in ("uncaught", "escaped"):
            document.uncaught.append((order, string(line.get("up")), line))
        else:
            _sort(line, document)
    for name, order, line in ends:
        span = document.spans.get(name)
        if span is not None and span.end is None:
            span.end, span.ended = line, order
    for name, line in more:
        if name in document.spans:
            _add_more(document.spans[name], line)
    for up, order, line in inside:
        if up in document.spans:
            document.spans[up].inside.append(line)
        elif line.get("t") == "fell":
            document.loose.append((order, line))
    return document


def _add_more(span: SpanLines, line: Line) -> None:
    match line.get("t"):
        case "more":
            span.more.append(line)
        case "pieces":
            items = line.get("items")
            span.pieces.extend(items if isinstance(items, list) else ())
        case _:
            span.streamed = line


def _sort(line: Line, document: SpoolDocument) -> None:
    """Lines that are no part of a span."""
    match line.get("t"):
        case "text":
            name, text = string(line.get("d")), line.get("v")
            if name is not None and isinstance(text, str):
                document.texts[name] = text
                if integer(line.get("cut")):
                    document.trouble.append(f"a text was cut by {line['cut']:,} characters when it was written")
        case "list":
            name, up, items = string(line.get("d")), mapping(line.get("up")), line.get("items")
            if name is not None and isinstance(items, list):
                document.lists[name] = (string(up.get("$list")), items)
        case "value":
            name = string(line.get("d"))
            if name is not None:
                document.values[name] = line.get("v")
        case "ask":
            document.asks.append(line)
        case "answer":
            document.answers.setdefault(string(line.get("id")) or "", line)
        case "run":
            document.processes.append(line)
        case "recording":
            document.header = document.header or line
        case "ended":
            document.ended = line
        case "redacted":
            document.redacted += integer(line.get("n")) or 0
        case "capped" | "count":
            key = (integer(line.get("e")) or 0, str(line.get("what")))
            times, most = integer(line.get("n")) or 0, integer(line.get("most")) or 0
            document.counts[key] = (max(times, document.counts.get(key, (0, 0))[0]), most)
        case "reached":
            _reached(line, document.reached.setdefault(str(line.get("path")), {}))
        case "trouble" | "skipped":
            document.trouble.append(str(line.get("what")))


def _reached(line: Line, known: dict[int, Mark]) -> None:
    """Add what one process told of a file; what ran in any of them ran."""
    lists = {name: value for name in ("missed", "hit", "imported") if isinstance(value := line.get(name), list)}
    imported = {mark for mark in lists.get("imported", ()) if integer(mark)}
    for name in ("missed", "hit"):
        for mark in lists.get(name, ()):
            if integer(mark):
                told = Mark.MISSED if name == "missed" else Mark.IMPORTED if mark in imported else Mark.RAN
                known[mark] = max(told, known.get(mark, Mark.MISSED))


def raw_lines(data: bytes) -> Iterator[Line]:
    """Every line that is a JSON object; what cannot be read is left out."""
    return _lines(data, "", [])


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


def string(value: object) -> str | None:
    """`value` when it is a text that is not empty."""
    return value if isinstance(value, str) and value else None


def integer(value: object) -> int | None:
    """`value` when it is a whole number that fits the fields it may go to."""
    known = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63
    return value if known else None  # type: ignore[return-value]


def mapping(value: object) -> Line:
    """`value` when it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def is_passage(element: Line) -> bool:
    """Whether an instrumented place only leads to what does the work: a call, or a framework's way to run any tool."""
    return element.get("site") is True or "runner" in element

"""The beginning of a file, and which keys it shows: what readers recognise their format by."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .files import TraceFile

HEAD_BYTES = 256 * 1024
DEEPEST = 6
MOST_EVENTS = 50_000
LONGEST_VALUE = 80
DEEPEST_NESTING = 200
HUGE_NUMBER = re.compile(rb"[0-9]{1000}")
"""ijson's C backend crashes on an integer with more digits than Python converts (4,300)."""


@dataclass(frozen=True)
class Opening:
    """What the first bytes of a file say of its format.

    Args:
        head: at most 256 KiB, decompressed.
        filename: a hint only.
        shape: `object`, `array`, `zip` or `other`; a file of lines has the shape of its first line.
        keys: dotted paths of the keys seen, list items left out: `resourceSpans.scopeSpans`.
        values: short strings by the path they stand at, `type` of every line for instance.
    """

    head: bytes
    filename: str
    shape: str = "other"
    keys: frozenset[str] = frozenset()
    values: dict[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, file: TraceFile) -> "Opening":
        """Read the beginning of `file`."""
        head = file.head(HEAD_BYTES).removeprefix(b"\xef\xbb\xbf")
        first = head.lstrip()[:1]
        if head.startswith(b"PK\x03\x04"):
            return cls(head, file.name, "zip")
        if first not in (b"{", b"["):
            return cls(head, file.name)
        keys, values = _sketch(head)
        return cls(head, file.name, "object" if first == b"{" else "array", frozenset(keys), values)

    def has(self, *paths: str) -> bool:
        """Whether all of these keys were seen."""
        return all(path in self.keys for path in paths)

    def says(self, path: str, *words: str) -> bool:
        """Whether one of these strings stands at `path`."""
        return not self.values.get(path, frozenset()).isdisjoint(words)


def _sketch(head: bytes) -> tuple[set[str], dict[str, frozenset[str]]]:
    import ijson  # type: ignore[import-untyped]

    keys: set[str] = set()
    values: dict[str, set[str]] = {}
    huge = HUGE_NUMBER.search(head)
    events = ijson.basic_parse(head[: huge.start()] if huge else head, multiple_values=True)
    try:
        for number, (prefix, event, value) in enumerate(ijson.parse(_shallow(events))):
            if number > MOST_EVENTS:
                break
            if event not in ("map_key", "string"):
                continue
            steps = [step for step in prefix.split(".") if step not in ("item", "")]
            if len(steps) >= DEEPEST:
                continue
            if event == "map_key":
                keys.add(".".join([*steps, value]))
            elif len(value) <= LONGEST_VALUE:
                values.setdefault(".".join(steps), set()).add(value)
    except ijson.JSONError:
        pass  # the head ends in the middle of a document, or a line of it is broken
    except UnicodeDecodeError:
        pass  # ijson meets bytes that are no text
    return keys, {path: frozenset(found) for path, found in values.items()}


def _shallow(events: Iterable[tuple[str, object]]) -> Iterator[tuple[str, object]]:
    """The events up to where they nest too deeply: the prefix of each grows with the depth."""
    depth = 0
    for event, value in events:
        depth += event.startswith("start_") - event.startswith("end_")
        if depth > DEEPEST_NESTING:
            return
        yield event, value

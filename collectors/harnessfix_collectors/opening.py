"""The beginning of a file, and which keys it shows: what readers recognise their format by."""

from dataclasses import dataclass, field

from .files import TraceFile

HEAD_BYTES = 256 * 1024
DEEPEST = 6
MOST_EVENTS = 50_000
LONGEST_VALUE = 80


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
    try:
        for number, (prefix, event, value) in enumerate(ijson.parse(head, multiple_values=True)):
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

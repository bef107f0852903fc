"""Records: JSON values in texts, whether two texts hold the same one, and the strings inside."""

import heapq
import json
from dataclasses import dataclass

LARGEST = 1_000_000
LEAST = 16
MUCH = 0.3
MOST_STRINGS = 2000
MOST_LEAVES = 24
MOST_OPENINGS = 8
_DECODER = json.JSONDecoder()


def record_of(text: str) -> str | None:
    """The JSON object or list that a text is, in one fixed spelling; None when it is none, trivial or too long."""
    if not LEAST <= len(text) <= LARGEST or text.lstrip()[:1] not in ("{", "[") or text.rstrip()[-1:] not in ("}", "]"):
        return None
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except (ValueError, RecursionError):
        return None


def place_for_record(length: int, sink: str) -> tuple[int, int] | None:
    """The character range of the sink that may hold a record spelled in another way, None when there is none.

    Args:
        length: characters of the record.
        sink: where to look; text around the record may be anything without brackets.
    """
    start = min((at for at in (sink.find("{"), sink.find("[")) if at >= 0), default=-1)
    end = max(sink.rfind("}"), sink.rfind("]")) + 1
    if start < 0 or not 0.3 * length <= end - start <= 8 * length:
        return None
    return start, end


def record_before(record: str, opening: str, sink: str, at: int) -> tuple[int, int] | None:
    """The character range of a record in the sink whose first shared words stand at `at`, other JSON around it or not.

    Args:
        record: in its fixed spelling, from `record_of`.
        opening: the bracket that it begins with.
        sink: where to look, from the nearest such bracket before `at` outwards.
    """
    for _ in range(MOST_OPENINGS):
        at = sink.rfind(opening, 0, at + 1)
        if at < 0:
            return None
        try:
            value, end = _DECODER.raw_decode(sink, at)
        except (ValueError, RecursionError):
            value, end = None, 0
        if end and json.dumps(value, sort_keys=True) == record:
            return at, end
        at -= 1
    return None


@dataclass(frozen=True)
class Leaf:
    """A string inside a record, and where it stands there, escapes included."""

    text: str
    start: int
    end: int

    def is_most_of(self, record: str) -> bool:
        """Whether it makes up much of the record, keys and marks included."""
        return self.end - self.start >= MUCH * len(record)


def leaves_of(text: str) -> tuple[Leaf, ...]:
    """The longest strings of a JSON object or list, longest first, each found at its place; none for other texts."""
    if not LEAST <= len(text) <= LARGEST or text.lstrip()[:1] not in ("{", "["):
        return ()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    strings = _strings(value)
    longest = heapq.nlargest(MOST_LEAVES, range(len(strings)), key=lambda n: len(strings[n]))
    found: list[Leaf] = []
    at = 0
    for n in sorted(longest):
        leaf = _placed(strings[n], text, at)
        if leaf is not None:
            found.append(leaf)
            at = leaf.end
    return tuple(sorted(found, key=lambda leaf: leaf.start - leaf.end))


def _strings(value: object) -> list[str]:
    """The first strings of a JSON value, keys aside, in the order in which they are written."""
    found: list[str] = []
    pending = [value]
    while pending and len(found) < MOST_STRINGS:
        item = pending.pop()
        if isinstance(item, str):
            if item:
                found.append(item)
        elif isinstance(item, dict):
            pending.extend(reversed(item.values()))
        elif isinstance(item, list):
            pending.extend(reversed(item))
    return found


def _placed(value: str, text: str, start: int) -> Leaf | None:
    for ascii_only in (False, True):
        spelled = json.dumps(value, ensure_ascii=ascii_only)
        at = text.find(spelled, start)
        if at >= 0:
            return Leaf(value, at + 1, at + len(spelled) - 1)
    return None

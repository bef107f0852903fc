"""Records: whether a text holds the same JSON value as another, spelled in another way."""

import json

LARGEST = 1_000_000
LEAST = 16


def record_of(text: str) -> str | None:
    """The JSON object or list that a text is, in one fixed spelling; None when it is none, trivial or too long."""
    if not LEAST <= len(text) <= LARGEST or text.lstrip()[:1] not in ("{", "[") or text.rstrip()[-1:] not in ("}", "]"):
        return None
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except (ValueError, RecursionError):
        return None


def place_of_record(record: str, length: int, sink: str) -> tuple[int, int] | None:
    """The character range of the sink that holds a record, None when it does not.

    Keys may be in another order, and space, escapes and numbers spelled in another way.

    Args:
        record: from `record_of`.
        length: characters of the text it was read from.
        sink: where to look; text around the record may be anything without brackets.
    """
    start = min((at for at in (sink.find("{"), sink.find("[")) if at >= 0), default=-1)
    end = max(sink.rfind("}"), sink.rfind("]")) + 1
    if start < 0 or not 0.3 * length <= end - start <= 8 * length:
        return None
    return (start, end) if record_of(sink[start:end]) == record else None

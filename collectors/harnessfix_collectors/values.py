"""Small readings of JSON values that may be anything."""

import json
from datetime import UTC, datetime
from typing import Any

_AS_JSON = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": ")).encode


def parse_json(text: Any) -> Any:
    """`text` parsed as JSON, or itself when it is no string or no JSON."""
    if not isinstance(text, str) or text.lstrip()[:1] not in ("{", "[", '"'):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def as_text(value: Any) -> str:
    """A value as the text that stands for it: a string as it is, anything else as compact JSON."""
    if isinstance(value, str):
        return value
    try:
        return _AS_JSON(value)
    except RecursionError:
        return "(nested too deeply to be shown)"


def dig(value: Any, *keys: str) -> Any:
    """The value under these keys, one inside the other; None where one is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def mapping(value: Any) -> dict[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; empty for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def string(value: Any) -> str:
    """`value` if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def name_of(value: Any) -> str | None:
    """A name or an id as a string; None for an empty one."""
    return str(value) if isinstance(value, str | int) and value not in ("", None) else None


def whole(value: Any) -> int | None:
    """`value` if it is a whole number and no truth value."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def nanoseconds(value: Any) -> int | None:
    """A time as Unix time in nanoseconds: from ISO 8601 (without a zone taken for UTC) or from a number since 1970.

    Numbers are seconds up to the year 5138, milliseconds, microseconds or nanoseconds beyond, as their size says.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        number = abs(value)
        for limit, factor in ((1e11, 1e9), (1e14, 1e6), (1e17, 1e3)):
            if number < limit:
                return int(value * factor) if isinstance(value, float) else value * int(factor)
        return int(value) if number < 1e20 else None
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    try:
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        since = moment - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000
    except OverflowError:
        return None

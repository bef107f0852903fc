"""What of a record was not mapped: everything that the step made of it does not hold.

Readers map what they understand and hand the record on as a whole; this function then takes away what the step has
and keeps the rest. That nothing gets lost so hangs on no reader's list of keys.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from harnessfix_ir.document import JsonValue
from harnessfix_ir.steps import Part

from .values import as_text

LONG = 24
"""From so many characters on a text counts as held wherever it stands; a shorter one only under a key of content."""
CONTENT = frozenset(
    [
        "content",
        "text",
        "arguments",
        "input",
        "output",
        "inputs",
        "outputs",
        "result",
        "response",
        "message",
        "thinking",
        "reasoning",
        "reasoning_content",
        "thought",
        "observation",
        "args",
        "kwargs",
        "action",
        "query",
        "stdout",
        "refusal",
        "parts",
        "body",
        "value",
        "delta",
        "tool_input",
        "summary",
    ]
)
NAMES = frozenset(
    [
        "role",
        "type",
        "kind",
        "name",
        "id",
        "tool_call_id",
        "tool_use_id",
        "call_id",
        "function_name",
        "function",
        "toolName",
    ]
)
DEEPEST = 200


class Held:
    """The texts and names that a step holds.

    Args:
        parts: of its input and output.
        texts: digest to text.
        words: further names that it carries: its own, its agent's, its model's.
    """

    def __init__(self, parts: Iterable[Part], texts: Mapping[str, str], words: Iterable[str | None] = ()) -> None:
        parts = list(parts)
        self._parts = {id(part): part for part in parts}
        self.texts = {texts[part.text] for part in parts}
        named = (word for part in parts for word in (part.role, part.kind, part.name, part.call_id))
        self.words = {word for word in (*named, *words) if word}

    def holds(self, parts: Iterable[Part]) -> bool:
        """Whether these very parts are among those that the step holds."""
        return all(id(part) in self._parts for part in parts)

    def leftover(self, value: Any, key: str = "", depth: int = 0) -> JsonValue:
        """`value` without what is held; None when nothing is left. Of a list that lost items, each tells its place.

        Args:
            value: parsed JSON.
            key: the key it stands under.
            depth: how deep it lies; below 200 it is kept as it is.
        """
        if isinstance(value, str):
            held = value in self.texts and (len(value) >= LONG or key in CONTENT)
            return None if not value or held or (key in NAMES and value in self.words) else value
        if not isinstance(value, dict | list):
            return value  # type: ignore[no-any-return]
        if depth > DEEPEST or (key in CONTENT and as_text(value) in self.texts):
            return None if depth <= DEEPEST else value
        if isinstance(value, list):
            return left_of_list([self.leftover(item, key, depth + 1) for item in value])
        kept = {name: self.leftover(item, name, depth + 1) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item is not None} or None


def left_of_list(items: list[JsonValue]) -> JsonValue:
    """What is left of a list, given what is left of each item: one that lost items tells the places of the others."""
    left: dict[str, JsonValue] = {str(place): item for place, item in enumerate(items) if item is not None}
    return items if left and len(left) == len(items) else left or None

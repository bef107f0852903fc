"""Histories that are sent again: a list of messages that begins as an earlier one did is read from there on only.

An agent resends its whole conversation with each request, so that reading every request from its first message costs
the square of the run. Instrumentations write the list as one JSON text, and text that only grows shows it by its
beginning: what is behind that is parsed, and its messages alone are made into parts. The parts of the rest are the same
objects as before, which later stages compare at memory speed.
"""

import json
from collections.abc import Iterator
from typing import Any

from harnessfix_ir.document import JsonValue
from harnessfix_ir.steps import Part
from harnessfix_ir.texts import TextPool

from .leftover import CONTENT, Held, left_of_list
from .messages import message_parts
from .values import parse_json

RECENT = 4
"""Lists to look back at: that of each agent that talks at the same time, and both sides of a call."""
SPACE = " \t\n\r"


class History:
    """A list of messages, and what was made of each.

    Args:
        text: the JSON text.
        items: the messages, those that an earlier list begins with being its objects.
        before: the list that it continues.
    """

    def __init__(self, text: str, items: list[Any], before: "History | None" = None) -> None:
        self.text, self.items = text, items
        self.read: dict[str, list[tuple[Part, ...]]] = {}
        self.whole: dict[tuple[str, str], list[bool]] = {}
        if before is not None:
            self.read = {role: list(parts) for role, parts in before.read.items()}
            self.whole = {asked: list(whole) for asked, whole in before.whole.items()}
        self._body = text.rstrip(SPACE)[:-1].rstrip(SPACE)

    def continued(self, text: str) -> "History | None":
        """The list in a text that begins as this one's does; None when it does not, or is no list."""
        if text == self.text:
            return self
        rest = text[len(self._body) :].lstrip(SPACE) if self.items and text.startswith(self._body) else ""
        if rest[:1] != ",":
            return None
        try:
            new = json.loads(f"[{rest[1:]}")
        except (ValueError, RecursionError):
            return None
        return History(text, self.items + new, self) if new else None

    def leftover(self, held: Held, key: str, pool: TextPool) -> JsonValue:
        """As `Held.leftover`; a message that its own parts hold is not looked at again where it is resent."""
        role = self._read_for(held)
        if role is None or key in CONTENT:  # under a key of content the list may be held as one text
            return held.leftover(self.items, key)
        whole = self.whole.setdefault((role, key), [])
        for item, own in list(zip(self.items, self.read[role]))[len(whole) :]:
            whole.append(Held(own, pool.texts).leftover(item, key, 1) is None)
        return left_of_list(
            [None if held_by_itself else held.leftover(item, key, 1) for item, held_by_itself in zip(self.items, whole)]
        )

    def _read_for(self, held: Held) -> str | None:
        """The role as whose the step that `held` is of has all messages; None when it does not hold them."""
        for role, parts in self.read.items():
            if len(parts) == len(self.items) and held.holds(part for own in parts for part in own):
                return role
        return None

    def parts(self, role: str, pool: TextPool) -> list[tuple[Part, ...]]:
        """The parts of each message; `role` is whose one is that does not say it."""
        parts = self.read.setdefault(role, [])
        for item in self.items[len(parts) :]:
            parts.append(tuple(message_parts([item], pool, role)))
        return parts


class MessagePool(TextPool):
    """The texts of a trace, and the histories that were read last."""

    def __init__(self, texts: dict[str, str] | None = None) -> None:
        super().__init__(texts)
        self._recent: list[History] = []

    def parse(self, value: Any) -> Any:
        """As `parse_json`; a list that continues a recent one shares the messages of that."""
        if not isinstance(value, str) or value.lstrip(SPACE)[:1] != "[":
            return parse_json(value)
        history = next((longer for known in self._recent if (longer := known.continued(value)) is not None), None)
        if history is None:
            items = parse_json(value)
            if not isinstance(items, list):
                return items
            history = History(value, items)
        self._recent = [history, *(known for known in self._recent if known is not history)][:RECENT]
        return history.items

    def history_of(self, messages: Any) -> History | None:
        """The history that `parse` made this very list for, while it is recent."""
        return next((known for known in self._recent if known.items is messages), None)

    def parts_of(self, messages: Any, role: str = "user") -> Iterator[Part]:
        """As `message_parts`, and only what is new of a history is read."""
        history = self.history_of(messages)
        if history is None:
            yield from message_parts(messages, self, role)
        else:
            for parts in history.parts(role, self):
                yield from parts

    def leftover(self, value: JsonValue, key: str, held: Held) -> JsonValue:
        """As `Held.leftover`, and a string of JSON is looked into: kept whole unless everything in it is held."""
        if held.leftover(value, key) is None:
            return None
        parsed = self.parse(value)
        history = self.history_of(parsed)
        if history is not None:
            return history.leftover(held, key, self)
        return held.leftover(parsed, key) if isinstance(parsed, dict | list) else value

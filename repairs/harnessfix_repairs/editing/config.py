"""One YAML, TOML or JSON file under edit: where its keys and values stand, byte for byte.

Keys are named as the harness model names them: joined by dots, items of lists counted from 0. Nothing is written anew:
a piece of the text is replaced, and the file is read again to see that just that has changed.
"""

import json
import math
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harnessfix_ir.anchors import Anchor
from harnessfix_repairs.operators.base import Refusal

MOST_VALUES = 100_000
LANGUAGES = {".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json"}


@dataclass(frozen=True)
class Entry:
    """A key with its value.

    Args:
        path: as the harness model names it.
        key: characters [start, end) of the key as written; empty for items of lists.
        value: characters [start, end) of the value as written.
        data: the value.
        style: for texts in YAML `|`, `>`, `'`, `"` or empty for plain ones.
    """

    path: str
    key: tuple[int, int]
    value: tuple[int, int]
    data: Any
    style: str = ""


class ConfigFile:
    """A settings file.

    Args:
        path: decides the language.
        text: raises `Refusal` when it cannot be read.
    """

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.language = next((kind for suffix, kind in LANGUAGES.items() if path.lower().endswith(suffix)), "")
        if not self.language:
            raise Refusal(f"{path} is neither YAML, TOML nor JSON")
        self.data = load(path, text, self.language)

    @cached_property
    def entries(self) -> list[Entry]:
        """All keys in order of the text."""
        if self.language == "toml":
            from .toml_places import entries

            return list(entries(self.text))
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        try:
            # JSON is read as YAML here, for its marks; `data` was read as JSON.
            top = YAML(typ="rt", pure=True).compose(self.text)
        except (YAMLError, RecursionError) as error:
            raise Refusal(f"{self.path} cannot be read: {str(error).splitlines()[0]}") from error
        return list(_below(top, "", set())) if top is not None else []

    def entry(self, key: str) -> Entry:
        """The key with that path. Raises `Refusal` without one."""
        for entry in self.entries:
            if entry.path == key:
                return entry
        raise Refusal(f"{self.path} has no key {key}")

    def find(self, anchor: Anchor) -> Entry:
        """The key that an anchor stands for."""
        return self.entry(anchor.qualname)

    def spliced(self, start: int, end: int, new: str, expected: Any) -> str:
        """The text with characters [start, end) replaced. Raises `Refusal` unless it then reads as `expected`."""
        text = self.text[:start] + new + self.text[end:]
        if load(self.path, text, self.language) != expected:
            raise Refusal(f"{self.path} would not read as it should after the edit")
        return text


def load(path: str, text: str, language: str) -> Any:
    """Plain data of a settings file; nothing but plain values is built. Raises `Refusal` when it cannot be read."""
    try:
        if language == "toml":
            return tomllib.loads(text.replace("\r\n", "\n"))
        if language == "json":
            return json.loads(text)
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError
    except (ValueError, RecursionError) as error:
        raise Refusal(f"{path} cannot be read: {error}") from error
    try:
        data = YAML(typ="safe", pure=True).load(text)
        if _unfolded(data, {}) > MOST_VALUES:
            raise Refusal(f"{path} cannot be edited: its aliases unfold to more than {MOST_VALUES:,} values")
    except (YAMLError, ValueError, RecursionError) as error:
        raise Refusal(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    return data


def _unfolded(value: Any, known: dict[int, float]) -> float:
    """How many values there are when each alias counts as what it stands for; infinite where it contains itself.

    Aliases share one object, but to compare or to copy data is to walk through it as often as it is named.
    """
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) not in known:
        known[id(value)] = math.inf
        parts = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_unfolded(part, known) for part in parts)
    return known[id(value)]


def with_value(data: Any, path: str, value: Any) -> Any:
    """A copy of plain data in which the value at a key path is another."""
    return _replaced(data, path, lambda container, key: container | {key: value})


def with_key(data: Any, path: str, name: str) -> Any:
    """A copy of plain data in which a key of a mapping has another name, its place kept."""

    def renamed(container: dict[str, Any], key: str) -> dict[str, Any]:
        return {name if k == key else k: v for k, v in container.items()}

    return _replaced(data, path, renamed)


def _replaced(data: Any, path: str, change: Any) -> Any:
    if isinstance(data, dict):
        for key in data:
            if str(key) == path:
                return change(data, key)
            if path.startswith(f"{key}."):
                return data | {key: _replaced(data[key], path[len(str(key)) + 1 :], change)}
    if isinstance(data, list):
        first, _, rest = path.partition(".")
        if first.isdigit() and int(first) < len(data):
            inner = data[int(first)]
            new = _replaced(inner, rest, change) if rest else change({first: inner}, first)[first]
            return [*data[: int(first)], new, *data[int(first) + 1 :]]
    raise Refusal(f"there is no key {path}")


def _below(node: Any, path: str, seen: set[int]) -> Iterator[Entry]:
    if id(node) in seen:  # an alias: what it stands for is edited at its anchor
        return
    seen.add(id(node))
    kind = type(node).__name__
    if kind == "MappingNode":
        for key, value in node.value:
            name = f"{path}.{key.value}" if path else str(key.value)
            yield _entry(name, value, (key.start_mark.index, key.end_mark.index))
            yield from _below(value, name, seen)
    elif kind == "SequenceNode":
        for number, value in enumerate(node.value):
            name = f"{path}.{number}" if path else str(number)
            yield _entry(name, value, (value.start_mark.index, value.start_mark.index))
            yield from _below(value, name, seen)


def _entry(path: str, node: Any, key: tuple[int, int]) -> Entry:
    scalar = type(node).__name__ == "ScalarNode"
    style = (node.style or "") if scalar else ""
    return Entry(path, key, (node.start_mark.index, node.end_mark.index), node.value if scalar else None, style)

"""The keys of a configuration file, each with its value, and its comments."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from harnessfix_repairs.editing.config import LANGUAGES, load


@dataclass
class Keys:
    """Keys of one version of a file.

    Args:
        values: key path to plain value; mappings and lists are their keys and items.
        order: key paths in order.
        comments: every comment and how often it stands there.
    """

    values: dict[str, Any] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    comments: Counter[str] = field(default_factory=Counter)


def language_of(path: str) -> str:
    """`yaml`, `toml` or `json`; empty for anything else."""
    return next((kind for suffix, kind in LANGUAGES.items() if path.lower().endswith(suffix)), "")


def read_keys(path: str, text: str) -> Keys:
    """The keys of a settings file. Raises `Refusal` when it cannot be read."""
    language = language_of(path)
    found = Keys()
    pending: list[tuple[str, Any]] = [("", load(path, text, language))]
    while pending:
        at, value = pending.pop()
        children: list[tuple[str, Any]] = []
        if isinstance(value, dict):
            children = [(f"{at}.{key}" if at else str(key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            children = [(f"{at}.{number}" if at else str(number), inner) for number, inner in enumerate(value)]
        if not isinstance(value, dict) and not children:
            found.values[at] = value
        if at:
            found.order.append(at)
        pending.extend(reversed(children))
    if language != "json":
        found.comments = Counter(m.group(1).rstrip() for m in re.finditer(r"(?m)(?:^|[ \t])(#.*)$", text))
    return found

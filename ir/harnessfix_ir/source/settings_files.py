"""YAML, TOML and JSON files as keys with lines. Nothing is constructed but plain values."""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harnessfix_ir.document import JsonValue

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node

MAX_KEYS = 3000
MAX_DEPTH = 60


@dataclass(slots=True)
class Entry:
    """One key of a settings file.

    Args:
        path: keys from the top, joined by dots; items of lists count from 0.
        value: scalar value; None for mappings and lists.
        start, end: lines of the key and its value.
        leaf: whether the value is a scalar.
    """

    path: str
    value: JsonValue
    start: int
    end: int
    leaf: bool


def read_settings(text: str, language: str) -> list[Entry]:
    """Keys of a settings file in order of line.

    Raises:
        ValueError: with the line and the reason, when the file is not valid or nested too deeply.
    """
    try:
        entries = {"yaml": _yaml, "toml": _toml, "json": _json}[language](text)
    except RecursionError as error:
        raise ValueError("line 1: nested too deeply") from error
    return entries[:MAX_KEYS]


def _yaml(text: str) -> list[Entry]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    reader = YAML(typ="rt", pure=True)
    entries: list[Entry] = []
    try:
        for document in reader.compose_all(text):
            if document is not None:
                entries.extend(_nodes(document))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise ValueError(f"line {mark.line + 1 if mark else 1}: {reason}") from error
    except (ValueError, AttributeError, AssertionError) as error:
        raise ValueError(f"line 1: not valid YAML ({type(error).__name__})") from error
    return entries


def _nodes(top: "Node") -> Iterator[Entry]:
    """Keys below a node. Every node is entered once, so that aliases cannot multiply."""
    seen: set[int] = set()
    pending: list[tuple[str, Any, int]] = [("", top, 1)]
    while pending:
        path, node, line = pending.pop()
        children: list[tuple[str, Any, int]] = []
        known = id(node) in seen
        seen.add(id(node))
        kind = type(node).__name__
        if not known and kind == "MappingNode" and path.count(".") < MAX_DEPTH:
            for key, value in node.value:
                name = str(key.value) if isinstance(key.value, (str, int, float)) else "?"
                children.append((f"{path}.{name}" if path else name, value, key.start_mark.line + 1))
        elif not known and kind == "SequenceNode" and path.count(".") < MAX_DEPTH:
            for number, value in enumerate(node.value):
                children.append((f"{path}.{number}" if path else str(number), value, value.start_mark.line + 1))
        if path:
            leaf = kind == "ScalarNode"
            yield Entry(path, _scalar(node) if leaf else None, line, max(line, _end(node, line)), leaf)
        pending.extend(reversed(children))


def _end(node: Any, line: int) -> int:
    end = node.end_mark
    if getattr(node, "style", None) in ("|", ">") or type(node).__name__ != "ScalarNode":
        # Block values and collections end at the start of the line after them.
        last: int = end.line if end.column == 0 else end.line + 1
        return last
    return int(end.line) + 1


def _scalar(node: Any) -> JsonValue:
    """Value of a YAML scalar by the core schema; anything unusual stays text."""
    text: str = node.value
    if node.style in ("'", '"', "|", ">"):
        return text
    lowered = text.lower()
    if lowered in ("", "~", "null"):
        return None
    if lowered in ("true", "false"):
        return lowered == "true"
    if re.fullmatch(r"[-+]?\d{1,18}", text):
        return int(text)
    if re.fullmatch(r"[-+]?(\d+\.\d*|\.\d+|\d+(\.\d*)?[eE][-+]?\d+)", text):
        return float(text)
    return text


def _toml(text: str) -> list[Entry]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise ValueError(f"line {line[1] if line else 1}: {str(error).partition(' (at')[0]}") from error
    lines = _toml_lines(text)
    return [Entry(path, value, *_lines_of(path, lines), leaf) for path, value, leaf in _flatten(data, "")]


def _lines_of(path: str, lines: dict[str, tuple[int, int]]) -> tuple[int, int]:
    """Lines of a key, or of the nearest key around it."""
    while path:
        if path in lines:
            return lines[path]
        path = path.rpartition(".")[0]
    return 1, 1


def _toml_lines(text: str) -> dict[str, tuple[int, int]]:
    """First and last line of each key: tables open at their header, values end where the next key or header begins."""
    starts: list[tuple[str, int]] = []
    table = ""
    quoted = ""
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if quoted:
            quoted = "" if line.count(quoted) % 2 else quoted
            continue
        header = re.match(r"\[\[?([^\]]+)\]\]?\s*(#.*)?$", line.lstrip())
        key = re.match(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"))*)\s*=\s*(.*)$""", line)
        if header:
            table = re.sub(r"[\"'\s]", "", header[1])
            starts.append((table, number))
        elif key:
            name = re.sub(r"[\"'\s]", "", key[1])
            starts.append((f"{table}.{name}" if table else name, number))
            for mark in ('"""', "'''"):
                if key[2].count(mark) % 2:
                    quoted = mark
    found: dict[str, tuple[int, int]] = {}
    for index, (path, start) in enumerate(starts):
        end = (starts[index + 1][1] - 1) if index + 1 < len(starts) else len(lines)
        while end > start and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
            end -= 1
        found.setdefault(path, (start, end))
    return found


def _flatten(value: Any, path: str) -> Iterator[tuple[str, JsonValue, bool]]:
    pending: list[tuple[str, Any]] = [(path, value)]
    while pending:
        here, item = pending.pop()
        children: list[tuple[str, Any]] = []
        if isinstance(item, dict):
            children = [(f"{here}.{k}" if here else str(k), v) for k, v in item.items()]
        elif isinstance(item, list):
            children = [(f"{here}.{n}" if here else str(n), v) for n, v in enumerate(item)]
        if here:
            leaf = not isinstance(item, (dict, list))
            plain = item if isinstance(item, (str, int, float, bool)) else None if item is None else str(item)
            yield here, plain if leaf else None, leaf
        pending.extend(reversed(children))


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def _json(text: str) -> list[Entry]:
    try:
        data = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise ValueError(f"line {line}: {getattr(error, 'msg', 'not valid JSON')}") from error
    if not isinstance(data, dict):
        return []
    values = {path: (value, leaf) for path, value, leaf in _flatten(data, "")}
    return [
        Entry(path, *values[path][:1], line, end, values[path][1])
        for path, line, end in _json_lines(text)
        if path in values
    ]


def _json_lines(text: str) -> list[tuple[str, int, int]]:
    """Key paths of a valid JSON text with their first and last lines."""
    found: list[tuple[str, int, int]] = []
    stack: list[list[Any]] = []
    line, place = 1, 0
    index_of: dict[str, int] = {}
    for match in _TOKEN.finditer(text):
        line += text.count("\n", place, match.start())
        place = match.start()
        token = match[0]
        top = stack[-1] if stack else None
        if token in "{[":
            path = _here(stack)
            stack.append([token, path, 0, "", token == "{", line])
        elif token in "}]":
            closed = stack.pop()
            if closed[1] in index_of:
                number = index_of[closed[1]]
                found[number] = (found[number][0], found[number][1], line)
        elif token == ",":
            if top is not None:
                top[2] += 1
                top[4] = top[0] == "{"
        elif token == ":":
            if top is not None:
                top[4] = False
        elif top is not None and top[4] and token.startswith('"'):
            top[3] = json.loads(token)
            path = f"{top[1]}.{top[3]}" if top[1] else top[3]
            index_of[path] = len(found)
            found.append((path, line, line))
    return found


def _here(stack: list[list[Any]]) -> str:
    if not stack:
        return ""
    top = stack[-1]
    part = top[3] if top[0] == "{" else str(top[2])
    return f"{top[1]}.{part}" if top[1] else part

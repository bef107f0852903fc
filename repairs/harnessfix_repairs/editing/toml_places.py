"""Where the keys and values of a TOML text stand. The text is known to be valid."""

import re
import tomllib
from collections.abc import Iterator

from .config import Entry

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'')
_TEXT = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|' + _QUOTED.pattern, re.DOTALL)


def entries(text: str) -> Iterator[Entry]:
    """Keys with simple values, arrays and inline tables, in order; tables themselves have none."""
    table: list[str] = []
    counts: dict[str, int] = {}
    at = 0
    while at < len(text):
        if text[at] in " \t\r\n":
            at += 1
        elif text[at] == "#":
            at = _line_end(text, at)
        elif text[at] == "[":
            array = text.startswith("[[", at)
            table, at = _keys(text, at + 1 + array)
            if array:
                name = ".".join(table)
                counts[name] = counts.get(name, -1) + 1
                table = [*table, str(counts[name])]
            at = _line_end(text, at)
        else:
            start = at
            keys, at = _keys(text, at)
            key = (start, start + len(text[start:at].rstrip()))
            at = text.index("=", at) + 1
            while text[at] in " \t":
                at += 1
            end = _value_end(text, at)
            source = text[at:end]
            data = tomllib.loads(f"x = {source}".replace("\r\n", "\n"))["x"]
            yield Entry(".".join([*_indexed(table, counts), *keys]), key, (at, end), data, _style(source))
            at = _line_end(text, end)


def _indexed(table: list[str], counts: dict[str, int]) -> list[str]:
    """A table's keys with the number of the array item that they are below."""
    out: list[str] = []
    for part in table:
        out.append(part)
        name = ".".join(table[: len(out)])
        if name in counts and len(out) < len(table) and not table[len(out)].isdigit():
            out.append(str(counts[name]))
    return out


def _keys(text: str, at: int) -> tuple[list[str], int]:
    keys: list[str] = []
    while True:
        while text[at] in " \t":
            at += 1
        match = _QUOTED.match(text, at) or _BARE.match(text, at)
        if match is None:
            return keys, at
        part = match.group()
        keys.append(tomllib.loads(f"x = {part}")["x"] if part[0] in "\"'" else part)
        at = match.end()
        after = re.compile(r"[ \t]*\.").match(text, at)
        if after is None:
            return keys, at
        at = after.end()


def _value_end(text: str, at: int) -> int:
    depth = 0
    while at < len(text):
        if match := _TEXT.match(text, at):
            at = match.end()
        elif text[at] == "#":
            if not depth:
                break
            at = _line_end(text, at)
        elif text[at] in "[{":
            depth += 1
            at += 1
        elif text[at] in "]}":
            depth -= 1
            at += 1
        elif text[at] in "\r\n" and not depth:
            break
        else:
            at += 1
    while text[at - 1] in " \t":
        at -= 1
    return at


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _style(source: str) -> str:
    return next((quote for quote in ('"""', "'''", '"', "'") if source.startswith(quote)), "")

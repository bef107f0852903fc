"""Unified diffs of bytes, as git writes and takes them, and their exact application.

A diff is applied only to the very bytes it was made from: there is no fuzz and no offset.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harnessfix_ir.errors import PatchError

_CONTEXT = 3
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_NO_NEWLINE = b"\\ No newline at end of file\n"


@dataclass(frozen=True)
class Edit:
    """Lines `[start, end)` of the old text, counted from 0, replaced by `new`."""

    start: int
    end: int
    old: tuple[bytes, ...]
    new: tuple[bytes, ...]


def lines_of(data: bytes) -> list[bytes]:
    """Lines with their ends, split at line feeds only, as git does."""
    return [line for line in re.split(rb"(?<=\n)", data) if line]


def edits_between(before: bytes, after: bytes) -> list[Edit]:
    """What to replace in `before` to get `after`, in order, equal lines at both ends set aside first."""
    old, new = lines_of(before), lines_of(after)
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    left, right = old[head : len(old) - tail], new[head : len(new) - tail]
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=len(left) > 2000)
    return [
        Edit(head + i1, head + i2, tuple(left[i1:i2]), tuple(right[j1:j2]))
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]


def unified(path: str, before: bytes, after: bytes) -> bytes:
    """The diff of one file in the form that `git apply` takes; empty when nothing differs."""
    edits = edits_between(before, after)
    if not edits:
        return b""
    names = _name(b"a/", path), _name(b"b/", path)
    out = [b"diff --git %s %s\n" % names, b"--- %s\n" % _tabbed(names[0]), b"+++ %s\n" % _tabbed(names[1])]
    old = lines_of(before)
    shift = 0
    for group in _groups(edits):
        out.extend(_hunk(old, group, shift))
        shift += sum(len(edit.new) - len(edit.old) for edit in group)
    return b"".join(out)


def parse(diff: bytes) -> dict[str, list[Edit]]:
    """Edits by path. Raises `PatchError` for anything that `unified` would not have written."""
    files: dict[str, list[Edit]] = {}
    current: list[Edit] | None = None
    lines = lines_of(diff)
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith(b"+++ "):
            current = files.setdefault(_unname(line[4:]), [])
            at += 1
        elif line.startswith((b"diff --git ", b"--- ")):
            at += 1
        elif (head := _HUNK.match(line)) and current is not None:
            at = _read_hunk(lines, at + 1, head, current)
        else:
            raise PatchError(f"line {at + 1} of the diff is not understood: {line[:60]!r}")
    return files


def apply_edits(path: str, data: bytes, edits: Sequence[Edit], *, reverse: bool = False) -> bytes:
    """`data` with the edits made (or taken back). Raises `PatchError` where the old lines are not the expected ones."""
    lines = lines_of(data)
    out: list[bytes] = []
    at = shift = 0
    for edit in edits:
        start, old, new = edit.start, edit.old, edit.new
        if reverse:
            start, old, new = edit.start + shift, edit.new, edit.old
            shift += len(edit.new) - len(edit.old)
        if start < at or tuple(lines[start : start + len(old)]) != old:
            raise PatchError(f"{path}:{start + 1} is not what the patch expects", hint="Diagnose and repair again.")
        out += lines[at:start]
        out += new
        at = start + len(old)
    return b"".join(out + lines[at:])


def _groups(edits: Sequence[Edit]) -> Iterator[list[Edit]]:
    """Edits whose context lines touch, together."""
    group: list[Edit] = []
    for edit in edits:
        if group and edit.start - group[-1].end > 2 * _CONTEXT:
            yield group
            group = []
        group.append(edit)
    if group:
        yield group


def _hunk(old: Sequence[bytes], group: Sequence[Edit], shift: int) -> Iterator[bytes]:
    first = max(group[0].start - _CONTEXT, 0)
    last = min(group[-1].end + _CONTEXT, len(old))
    length = last - first + sum(len(edit.new) - len(edit.old) for edit in group)
    yield b"@@ -%s +%s @@\n" % (_range(first, last - first), _range(first + shift, length))
    at = first
    for edit in group:
        yield from _marked(b" ", old[at : edit.start])
        yield from _marked(b"-", edit.old)
        yield from _marked(b"+", edit.new)
        at = edit.end
    yield from _marked(b" ", old[at:last])


def _range(start: int, length: int) -> bytes:
    """git's `start,length`; an empty range names the line before it."""
    return b"%d,%d" % (start + 1 if length else start, length)


def _marked(mark: bytes, lines: Sequence[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield mark + line
        if not line.endswith(b"\n"):
            yield b"\n" + _NO_NEWLINE


def _read_hunk(lines: Sequence[bytes], at: int, head: re.Match[bytes], edits: list[Edit]) -> int:
    start, length, _, new_length = (1 if part is None else int(part) for part in head.groups())
    place = start - 1 if length else start
    left, right = length, new_length
    old: list[bytes] = []
    new: list[bytes] = []

    def close() -> None:
        if old or new:
            edits.append(Edit(place - len(old), place, tuple(old), tuple(new)))
            old.clear()
            new.clear()

    while left or right:
        if at >= len(lines):
            raise PatchError("the diff ends in the middle of a hunk")
        mark, body = lines[at][:1], lines[at][1:]
        at += 1
        if at < len(lines) and lines[at] == _NO_NEWLINE:
            body = body.removesuffix(b"\n")
            at += 1
        if mark == b" ":
            close()
        if mark in (b" ", b"-"):
            left -= 1
            place += 1
        if mark in (b" ", b"+"):
            right -= 1
        if mark == b"-":
            old.append(body)
        elif mark == b"+":
            new.append(body)
        elif mark != b" ":
            raise PatchError(f"line {at} of the diff is not understood: {lines[at - 1][:60]!r}")
    close()
    return at


def _name(prefix: bytes, path: str) -> bytes:
    """A file name as git writes it: quoted when it holds a quote, a backslash or a control character."""
    raw = prefix + path.encode("utf-8", "surrogateescape")
    if not re.search(rb'["\\\x00-\x1f\x7f]', raw):
        return raw
    return b'"' + re.sub(rb'["\\\x00-\x1f\x7f]', lambda m: b"\\%03o" % m.group()[0], raw) + b'"'


def _tabbed(name: bytes) -> bytes:
    """git ends a name that holds a space with a tab."""
    return name + b"\t" if b" " in name and not name.startswith(b'"') else name


def _unname(line: bytes) -> str:
    name = line.rstrip(b"\n").rstrip(b"\t")
    if name.startswith(b'"'):
        name = re.sub(rb"\\(\d{3})", lambda m: bytes([int(m.group(1), 8)]), name.strip(b'"'))
    return name.removeprefix(b"b/").decode("utf-8", "surrogateescape")

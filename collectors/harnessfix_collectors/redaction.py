"""Secrets leave a file before it is stored: the same shapes and values that the probe replaces.

Only strings are touched, one by one, so that a replacement never breaks the format around them; bytes in which nothing
was found stay as they were.
"""

import io
import json
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .document import RUNTIME


class Scrubber:
    """Replaces secrets in files and counts them.

    Args:
        patterns: further regular expressions of what is secret.
        environment: variables whose names speak of secrets lend their values; this process's when None.
    """

    def __init__(self, patterns: Iterable[str] = (), environment: Mapping[str, str] | None = None) -> None:
        sys.path.insert(0, str(RUNTIME))
        try:
            from _harnessfix_probe.redact import Redactor
        finally:
            sys.path.remove(str(RUNTIME))
        self._redactor = Redactor(environment, patterns)

    def text(self, text: str) -> str:
        """One text without secrets."""
        return self._redactor.scrub(text)

    @property
    def count(self) -> int:
        """How many were replaced so far."""
        return self._redactor.count

    def scrub(self, data: bytes) -> bytes:
        """The bytes of a file of JSON, JSON lines, plain text, or of a ZIP archive of such, without secrets."""
        if data.startswith(b"PK\x03\x04"):
            return self._archive(data)
        if not self._suspects(data):
            return data
        for reading in (_whole_json, _json_lines):
            scrubbed = reading(data, self.text)
            if scrubbed is not None:
                return scrubbed
        return self._plain(data)

    def _suspects(self, data: bytes) -> bool:
        """Whether the bytes hold what a secret begins with; a value may stand there with JSON's escapes."""
        literals = [literal.encode() for literal, _ in self._redactor.shapes]
        for value in self._redactor.values:
            literals += [json.dumps(value)[1:-1].encode(), json.dumps(value, ensure_ascii=False)[1:-1].encode()]
        return any(literal in data for literal in literals)

    def _plain(self, data: bytes) -> bytes:
        """Text of any other sort; bytes that are none stay as they are."""
        text = data.decode("utf-8", "surrogateescape")
        before = self._redactor.count
        scrubbed = self._redactor.scrub(text)
        return data if self._redactor.count == before else scrubbed.encode("utf-8", "surrogateescape")

    def _archive(self, data: bytes) -> bytes:
        from .archive import entries

        before = self._redactor.count
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            for name, content in entries(data):
                made.writestr(zipfile.ZipInfo(name), self.scrub(content), zipfile.ZIP_DEFLATED)
        return data if self._redactor.count == before else out.getvalue()


def _whole_json(data: bytes, change: Callable[[str], str]) -> bytes | None:
    if data.count(b"\n", 0, 1 << 16) and _is_json(data[: data.index(b"\n")]):
        return None  # lines
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    changed = _changed(value, change)
    return data if changed is value else json.dumps(changed).encode()


def _json_lines(data: bytes, change: Callable[[str], str]) -> bytes | None:
    lines = data.split(b"\n")
    good = 0
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            lines[number] = change(line.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
            continue
        good += 1
        changed = _changed(value, change)
        if changed is not value:
            lines[number] = json.dumps(changed).encode()
    return b"\n".join(lines) if good else None


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    """`value` with every string changed; the very same object when none was."""
    if isinstance(value, str):
        scrubbed = change(value)
        return value if scrubbed == value else scrubbed
    if isinstance(value, list):
        items = [_changed(item, change) for item in value]
        return items if any(new is not old for new, old in zip(items, value)) else value
    if isinstance(value, dict):
        made = {_changed(key, change): _changed(item, change) for key, item in value.items()}
        same = all(new is old for new, old in zip(made.values(), value.values())) and list(made) == list(value)
        return value if same else made
    return value

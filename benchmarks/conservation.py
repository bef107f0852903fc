"""Nothing of a file gets lost: every text of the input is in what was read from it."""

import json
from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.archive import entries
from harnessfix_ir.recording import Recording


def lost_texts(data: bytes, recordings: list[Recording]) -> list[str]:
    """String leaves of the JSON in `data` that occur nowhere in the recordings: not in a text, name, attribute or note.

    A leaf counts as held when it is part of a string there, plain or with JSON's escapes; one that is JSON itself also
    when all of its own leaves are.
    """
    held = Haystack(recordings)
    return [leaf for leaf in leaves_of(data) if not held.holds(leaf)]


def lost_lines(data: bytes, recordings: list[Recording]) -> list[str]:
    """Texts that the probe wrote and that occur nowhere in the recordings read from its document.

    Bodies of HTTP exchanges are left out: they stay in the document, where replay finds them.
    """
    held = Haystack(recordings)
    lines = [line for line in map(json.loads, data.splitlines()) if isinstance(line, dict)]
    bodies = {
        line[key]["$"]
        for line in lines
        for key in ("text", "base64")
        if line.get("t") in ("ask", "answer") and isinstance(line.get(key), dict)
    }
    texts = {line["d"]: line["v"] for line in lines if line.get("t") == "text"}
    return [text for name, text in texts.items() if name not in bodies and not held.holds(text)]


class Haystack:
    """Every string of some recordings, joined."""

    def __init__(self, recordings: list[Recording]) -> None:
        strings: dict[str, None] = {}
        for recording in recordings:
            for leaf in _leaves(recording.model_dump(mode="python", exclude={"texts"}), keys=True):
                strings[leaf] = None
                if leaf in recording.texts:  # the digest of a text that a step cites
                    strings[recording.texts[leaf]] = None
        self.whole = strings
        self.text = "\0".join(strings)

    def holds(self, leaf: str) -> bool:
        if leaf in self.whole or leaf in self.text:
            return True
        if any(json.dumps(leaf, ensure_ascii=ascii)[1:-1] in self.text for ascii in (False, True)):
            return True
        stamp = _nanoseconds(leaf)
        if stamp is not None and stamp in self.text:
            return True
        if leaf.lstrip()[:1] in ("{", "["):
            try:
                return all(self.holds(inner) for inner in _leaves(json.loads(leaf)))
            except (ValueError, RecursionError):
                return False
        return False


def leaves_of(data: bytes) -> Iterator[str]:
    """Every different string value in a JSON document, JSON lines, server-sent events or a ZIP archive of documents."""
    seen: set[str] = set()
    for value in _values(data):
        for leaf in _leaves(value):
            if leaf.strip() and leaf not in seen:
                seen.add(leaf)
                yield leaf


def _values(data: bytes) -> Iterator[Any]:
    if data.startswith(b"PK\x03\x04"):
        # Other entries of an Inspect log repeat what its header and its samples say.
        for name, content in entries(data):
            if name == "header.json" or name.startswith("samples/"):
                yield json.loads(content)
        return
    text = data.decode("utf-8-sig", "replace")
    try:
        yield json.loads(text)
        return
    except ValueError:
        pass
    for line in text.split("\n"):
        try:
            yield json.loads(line.removeprefix("data:"))
        except ValueError:
            continue


def _leaves(value: Any, *, keys: bool = False) -> Iterator[str]:
    pending = [value]
    while pending:
        at = pending.pop()
        if isinstance(at, str):
            yield at
        elif isinstance(at, dict):
            named = not keys and set(at) == {"key", "value"}  # an attribute of OTLP: its key is no text
            pending.extend([at["value"]] if named else at.values())
            pending.extend(key for key in at if keys and isinstance(key, str))
        elif isinstance(at, list | tuple):
            pending.extend(at)
        elif keys and isinstance(at, int) and not isinstance(at, bool):
            yield str(at)


def _nanoseconds(leaf: str) -> str | None:
    from harnessfix_collectors.values import nanoseconds

    found = nanoseconds(leaf)
    return None if found is None else str(found)

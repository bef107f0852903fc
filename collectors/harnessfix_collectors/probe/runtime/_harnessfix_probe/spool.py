"""One file of JSON lines per process; each line is handed to the kernel at once, so that a kill loses nothing written.

There is no lock: a line is one `write` to a file opened for appending, which the kernel keeps whole, and a signal
handler that interrupts one write may do another.
"""

from __future__ import annotations

import os
from itertools import count

from .jsontext import dumps, quote
from .redact import Redactor
from .system import System

INLINE = 100
LARGEST = 20_000_000
SHARED = 4
LARGE = 2000
HIGH = 900

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    class Waiting(Protocol):
        """Small things that are written together, before the next line."""

        def write(self) -> None: ...

        def forget(self) -> None: ...


class Spool:
    """Writes lines of one process.

    Args:
        folder: where the file is made, named by process id and time.
        redactor: replaces secrets; None writes texts as they are.

    Raises:
        OSError: no file can be made there.
    """

    def __init__(self, folder: str, redactor: Redactor | None) -> None:
        self.folder, self.redactor = folder, redactor
        self.first: dict[str, object] = {}
        self.waiting: Waiting | None = None
        self.lost = 0
        self._begin()

    def _begin(self) -> None:
        self.prefix = System.random(4).hex()
        self._numbers = count(1)
        self._known: dict[tuple[int, int], str] = {}
        self._lists: dict[int, str] = {}
        self._values: dict[tuple[int, int], str] = {}
        self._told = 0 if self.redactor is None else self.redactor.count
        self._path = os.path.join(self.folder, f"{System.pid()}-{System.now()}.jsonl")
        self._open()

    def _open(self) -> None:
        fd = System.open(self._path, os.O_CREAT | os.O_APPEND | os.O_WRONLY | getattr(os, "O_CLOEXEC", 0), 0o600)
        self._fd = _out_of_the_way(fd)
        self._file = _identity(self._fd)

    def after_fork(self, up: str | None) -> None:
        """In a forked child: a file of its own, texts known anew."""
        self.lost = 0
        if self.waiting is not None:  # the parent writes it
            self.waiting.forget()
            self.waiting = None
        self._begin()
        if self.first:
            self.write(dict(self.first, pid=System.pid(), up=up, forked=True, time=System.now()))

    def close(self) -> None:
        """Nothing more is written."""
        System.close(self._fd)

    # -- lines ---------------------------------------------------------------------------------------------------

    def write(self, line: dict[str, object]) -> None:
        """Write one object of plain values as a line."""
        self.line(dumps(line))

    def line(self, text: str) -> None:
        """Write one line of JSON; a failure (disk full) is counted and not the program's concern."""
        if self.waiting is not None:
            self.flush()
        data = f"{text}\n".encode("ascii", "backslashreplace")
        try:
            self._append(data)
            if self.redactor is not None and self.redactor.count > self._told:
                new, self._told = self.redactor.count - self._told, self.redactor.count
                self._append(b'{"t":"redacted","n":%d}\n' % new)
        except OSError:
            self.lost += 1

    def flush(self) -> None:
        """Have written what waits for the next line."""
        waiting, self.waiting = self.waiting, None
        if waiting is not None:
            waiting.write()

    def _append(self, data: bytes) -> None:
        # A program may close descriptors that it does not know and open its own under our number.
        try:
            ours = _identity(self._fd) == self._file
        except OSError:
            ours = False
        if not ours:
            self._open()
        while data:
            data = data[System.write(self._fd, data) :]

    # -- texts and lists -----------------------------------------------------------------------------------------

    def scrub(self, text: str) -> str:
        """`text` without secrets."""
        return text if self.redactor is None else self.redactor.scrub(text)

    def text(self, text: str) -> str:
        """JSON that stands for `text`: itself when short, else a reference to a text line written once.

        A text met again is known by its hash and length, so that no text is kept alive here.
        """
        if len(text) <= INLINE:
            return quote(self.scrub(text))
        key = (hash(text), len(text))
        reference = self._known.get(key)
        if reference is None:
            clean = self.scrub(text)
            cut = f',"cut":{len(clean) - LARGEST}' if len(clean) > LARGEST else ""
            number = f'"{self.prefix}-{next(self._numbers)}"'
            self.line(f'{{"t":"text","d":{number}{cut},"v":{quote(clean[:LARGEST])}}}')
            reference = self._known[key] = f'{{"$":{number}}}'
        return reference

    def value(self, text: str) -> str:
        """JSON that stands for an object: itself when small, else a reference to a line written once.

        Args:
            text: JSON of the object.
        """
        if len(text) < LARGE:
            return text
        key = (hash(text), len(text))
        reference = self._values.get(key)
        if reference is None:
            number = f'"{self.prefix}-{next(self._numbers)}"'
            self.line(f'{{"t":"value","d":{number},"v":{text}}}')
            reference = self._values[key] = f'{{"$value":{number}}}'
        return reference

    def shared(self, items: Sequence[str], before: int = 0) -> tuple[str, list[int]] | None:
        """JSON of a list of JSON texts; one that continues a list written before refers to it.

        Agents hand the same growing history on in every step: written whole, a run would grow with its square.

        Args:
            items: of the list.
            before: key of what stands before them in it, where that was left out because it is written; 0 for nothing.

        Returns:
            The JSON, and for each of these items the key of the list that ends with it; None where what stands before
            them is needed after all.
        """
        if not before and len(items) < SHARED:
            return f"[{','.join(items)}]", []
        key, keys = before, []
        for item in items:
            key = hash((key, item))
            keys.append(key)
        if key in self._lists:
            return self._lists[key], keys
        place = len(keys)
        while place and keys[place - 1] not in self._lists:
            place -= 1
        last = keys[place - 1] if place else before
        if not place and before not in self._lists and before:
            return None
        number = f'"{self.prefix}-{next(self._numbers)}"'
        up = f',"up":{self._lists[last]}' if last in self._lists else ""
        self.line(f'{{"t":"list","d":{number}{up},"items":[{",".join(items[place:])}]}}')
        reference = self._lists[key] = f'{{"$list":{number}}}'
        return reference, keys


def _identity(fd: int) -> tuple[int, int]:
    stat = System.stat(fd)
    return stat.st_dev, stat.st_ino


def _out_of_the_way(fd: int) -> int:
    """The same file under a high number: the program's own files keep the numbers that they would have had."""
    try:
        import fcntl

        high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, HIGH)
    except (ImportError, OSError):
        return fd
    System.close(fd)
    return high

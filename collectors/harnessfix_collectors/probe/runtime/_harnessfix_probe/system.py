"""Functions of the operating system as they were at the start.

A program may replace its own (frozen clocks, fake file systems, patched `time.sleep` in tests); the probe must neither
be fooled by them nor show up in them. They are attributes of a class because clock fakes search modules.
"""

from __future__ import annotations

import os
import time
from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class System:
    """Clock, files and processes of the real machine."""

    now = time.time_ns
    steady = time.monotonic
    sleep = time.sleep
    open = os.open
    read = os.read
    write = os.write
    close = os.close
    stat = os.fstat
    listdir = os.listdir
    pid = os.getpid
    random = os.urandom


def read_file(path: str, most: int = 1 << 30) -> bytes:
    """At most `most` bytes of a file. Raises `OSError`."""
    fd = System.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
    try:
        parts = []
        while most > 0 and (part := System.read(fd, min(most, 1 << 20))):
            parts.append(part)
            most -= len(part)
        return b"".join(parts)
    finally:
        System.close(fd)


def keep_file(path: str, make: Callable[[], bytes]) -> None:
    """Write a file that other processes may be reading or writing; nothing is made where it cannot be written."""
    partial = f"{path}.{System.pid()}-{get_ident()}"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        fd = System.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
        try:
            data = make()
            while data:
                data = data[System.write(fd, data) :]
        finally:
            System.close(fd)
        os.replace(partial, path)
    except OSError:  # the next process makes it
        try:  # noqa: SIM105 (`contextlib` is not loaded for this)
            os.remove(partial)
        except OSError:
            pass

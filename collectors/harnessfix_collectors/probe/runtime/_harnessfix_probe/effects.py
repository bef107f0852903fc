"""Files read, written and deleted, folders changed to, hosts connected to: by audit hook, inside a step only."""

from __future__ import annotations

import os
import sys

from .jsontext import Json
from .launches import mark_popen
from .spans import current
from .system import System

MOST = 200
WRITES = os.O_WRONLY | os.O_RDWR
SHELLS = ("/bin/sh", "/system/bin/sh")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .probe import Probe


def watch(probe: Probe, folders: Iterable[str | None]) -> None:
    """Watch this process.

    Args:
        probe: the probe.
        folders: files below them are not told (the interpreter's own, the spool).
    """
    kept = [os.path.abspath(folder) for folder in folders if folder]
    ignored = (*(folder + os.sep for folder in kept if folder != os.sep), "/proc/", "/dev/", "/sys/")

    def hook(event: str, args: tuple[Any, ...]) -> None:
        tell = _TOLD.get(event)
        if tell is None:
            return
        try:
            if event in _LEAVES:
                probe.spool.flush()
            step = current.get()
            if step is None or step.id is None:
                return
            if event == "subprocess.Popen":
                mark_popen(probe, step, sys._getframe(1))
            if step.io > MOST:
                return
            found = tell(args)
            if found is None or (found[0] in _ON_FILES and _ours(found[1], ignored, probe)):
                return
            step.io += 1
            if step.io > MOST:
                probe.spool.line(f'{{"t":"io_capped","up":"{step.id}","most":{MOST}}}')
                return
            what = Json(probe.spool.text(found[1]))
            probe.spool.write({"t": "io", "up": step.id, "op": found[0], "what": what, "time": System.now()})
        except Exception as error:
            probe.failed("effect", error)

    sys.addaudithook(hook)


def _ours(path: str, ignored: tuple[str, ...], probe: Probe) -> bool:
    """Whether a file belongs to the machinery: the interpreter, compiled code, the harness's own source."""
    return path.startswith(ignored) or path in probe.places or f"{os.sep}__pycache__" in path


def _opened(args: tuple[Any, ...]) -> tuple[str, str] | None:
    path, mode, flags = args[:3]
    if isinstance(mode, str):
        writes = any(letter in mode for letter in "wax+")
    else:
        writes = bool(isinstance(flags, int) and flags & WRITES)
    return _on_file("write" if writes else "read", path)


def _on_file(operation: str, path: object) -> tuple[str, str] | None:
    if isinstance(path, bytes):
        path = path.decode("utf-8", "replace")
    if not isinstance(path, str) and type(path).__module__.partition(".")[0] == "pathlib":
        path = str(path)
    return (operation, os.path.abspath(path)) if type(path) is str else None


def _words(operation: str, value: object) -> tuple[str, str] | None:
    if isinstance(value, (list, tuple)):
        words = [_word(word) for word in value]
        if operation == "connect":
            return operation, ":".join(words[:2])
        if len(words) == 3 and words[0] in SHELLS and words[1] == "-c":
            return operation, words[2]
        return operation, " ".join(_quoted(word) for word in words)
    return operation, _word(value)


def _word(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (str, int)) or type(value).__module__.partition(".")[0] == "pathlib":
        return str(value)
    return "?"


def _quoted(word: str) -> str:
    """As a shell would need it; `shlex` is not loaded for this."""
    plain = word and all(letter.isalnum() or letter in "@%+=:,./-_" for letter in word)
    return word if plain else "'" + word.replace("'", "'\"'\"'") + "'"


_TOLD: dict[str, Callable[[tuple[Any, ...]], tuple[str, str] | None]] = {
    "open": _opened,
    "os.remove": lambda args: _on_file("delete", args[0]),
    "os.rename": lambda args: _on_file("write", args[1]),
    "os.mkdir": lambda args: _on_file("write", args[0]),
    "os.rmdir": lambda args: _on_file("delete", args[0]),
    "os.truncate": lambda args: _on_file("write", args[0]),
    "shutil.rmtree": lambda args: _on_file("delete", args[0]),
    "os.chdir": lambda args: _on_file("chdir", args[0]),
    "os.system": lambda args: _words("spawn", args[0]),
    "subprocess.Popen": lambda args: _words("spawn", args[1]),
    "os.exec": lambda args: _words("exec", args[1]),
    "socket.connect": lambda args: _words("connect", args[1]),
}
_LEAVES = ("os.system", "subprocess.Popen", "os.exec", "socket.connect")  # the program may be ended while it waits
_ON_FILES = ("read", "write", "delete", "chdir")

"""Recordings that their recorder did not bring home: it was killed, and the program may run on without it.

All that a document is made of lies in the spool folder then: `recording.json`, written before the program starts, the
lines of every process, and `ended.json` once the program has ended. The recorder holds a lock for as long as it lives,
so that a recording that goes on is none of these.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from harnessfix_ir.errors import BadInputError

from .document import SCHEMA, Header, assemble

HEADER, ENDED = "recording.json", "ended.json"
LARGEST = 256 << 20


@dataclass(frozen=True)
class Unfinished:
    """A recording in its spool folder.

    Args:
        folder: the spool folder.
        command: that was recorded, without secrets.
        started_ns: Unix time in nanoseconds.
    """

    folder: Path
    command: tuple[str, ...]
    started_ns: int


class Held:
    """While this is there, the recorder lives.

    Args:
        file: that is locked.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        _lock(file)

    def release(self) -> None:
        """Nobody of us will store what the folder holds."""
        self._file.close()

    __del__ = release


def hold(folder: Path, header: Header) -> Held:
    """Write what a document needs besides the lines of the program.

    Args:
        folder: the spool folder.
        header: of the recording.

    Returns:
        What the recorder keeps for as long as it lives.

    Raises:
        OSError: nothing can be written there.
    """
    plan = header.plan
    files = {path: {"path": part["path"], "sha256": part["sha256"]} for path, part in plan["files"].items()}
    told = {
        "schema": SCHEMA,
        "trace": header.trace,
        "command": header.command,
        "task": header.task,
        "harness": header.roots,
        "time": header.started_ns,
        "redacted": header.redacted,
        "program": header.program,
        "plan": {"elements": plan["elements"], "files": files, "others": plan.get("others") or {}},
    }
    (folder / HEADER).write_text(json.dumps(told))
    return Held((folder / HEADER).open("rb"))


def note_end(folder: Path, code: int) -> None:
    """Take down how the program ended; where that cannot be written the recording goes without it."""
    with suppress(OSError):
        (folder / ENDED).write_text(json.dumps({"code": code, "time": time.time_ns()}))


def is_recording(folder: Path) -> bool:
    """Whether a folder is the spool of a recording."""
    return (folder / HEADER).is_file() and not (folder / HEADER).is_symlink()


def unfinished(spool_root: Path) -> list[Unfinished]:
    """Recordings below a folder whose recorder is gone and in which something was recorded, oldest first.

    Args:
        spool_root: as `record` is given it.
    """
    found = []
    for folder in spool_root.iterdir() if spool_root.is_dir() else ():
        if is_recording(folder) and not _is_held(folder) and any(_spools(folder)):
            with suppress(BadInputError):
                header = _header(folder)
                found.append(Unfinished(folder, header.command, header.started_ns))
    return sorted(found, key=lambda one: one.started_ns)


def running(folder: Path) -> tuple[int, ...]:
    """Processes that wrote lines of a recording and seem to be there: another may have the number of one that ended."""
    numbers = {spool.name.partition("-")[0] for spool in _spools(folder)}
    return tuple(sorted(int(number) for number in numbers if number.isdecimal() and _is_running(int(number))))


def document_of(folder: Path) -> bytes:
    """The document of a recording, made of what its spool folder holds.

    Args:
        folder: for which `is_recording` is true.

    Raises:
        BadInputError: its header cannot be read, its recorder is alive, or nothing was recorded.
    """
    header = _header(folder)
    if _is_held(folder):
        raise BadInputError(f"{folder}: this recording goes on", hint="Its recorder stores it when the program ends.")
    if not any(_spools(folder)):
        raise BadInputError(f"{folder}: nothing was recorded before the recorder was ended", hint="Record it again.")
    end = _read(folder / ENDED) if (folder / ENDED).is_file() else {}
    code, time_ns = end.get("code"), end.get("time")
    return assemble(folder, header, code if type(code) is int else None, time_ns if type(time_ns) is int else None)


def _header(folder: Path) -> Header:
    place = folder / HEADER
    told = _read(place)
    plan = told.get("plan")
    strings = all(isinstance(told.get(key), str) for key in ("trace", "task"))
    lists = all(_is_strings(told.get(key)) for key in ("command", "harness"))
    known = isinstance(plan, dict) and _is_plan(plan) and type(told.get("time")) is int
    if told.get("schema") != SCHEMA or not (strings and lists and known):
        raise BadInputError(f"{place}: not what this harnessfix writes ({SCHEMA})", hint="Record the run again.")
    redacted = told.get("redacted")
    program: Any = told.get("program")
    return Header(
        told["trace"],
        tuple(told["command"]),
        told["task"],
        tuple(told["harness"]),
        told["plan"],
        redacted if type(redacted) is int else 0,
        tuple(program) if _is_strings(program) else (),
        told["time"],
    )


def _read(place: Path) -> dict[str, Any]:
    try:
        with place.open("rb") as file:
            told = json.loads(file.read(LARGEST))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInputError(f"{place}: cannot be read: {error}", hint="Was it cut?") from None
    return told if isinstance(told, dict) else {}


def _is_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_plan(plan: Mapping[str, Any]) -> bool:
    """Whether elements and files have what a document takes from them."""
    elements, files = plan.get("elements"), plan.get("files")
    if not isinstance(elements, list) or not isinstance(files, dict):
        return False
    parts = [*elements, *files.values()]
    return all(isinstance(part, dict) and isinstance(part.get("path"), str) for part in parts) and all(
        isinstance(part.get("sha256"), str) for part in files.values()
    )


def _spools(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob("*.jsonl") if path.is_file() and path.stat().st_size)


def _is_running(process: int) -> bool:
    if os.name != "posix":
        return False
    try:
        os.kill(process, 0)
    except PermissionError:  # it is there, and somebody else's
        return True
    except (OSError, OverflowError):
        return False
    with suppress(OSError):  # one that nobody waits for keeps its number when it has ended
        return Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    return True


def _lock(file: IO[bytes]) -> None:
    with suppress(ImportError, OSError):
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)


def _is_held(folder: Path) -> bool:
    """Whether the recorder lives. Where there are no such locks, nothing is known of it."""
    try:
        import fcntl

        with (folder / HEADER).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (ImportError, OSError):
        return False
    return False
